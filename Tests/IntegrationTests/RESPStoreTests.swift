import Glibc
import Resilience
import SealedCache
import TestSupport
import Testing

/// The RESP store against the live Redis, and against peers that do not help.
@Suite(.serialized) struct RESPStoreTests {
    private let stack = LiveStack.shared

    private func makeStore(_ url: String? = nil, timeout: Duration = .milliseconds(500)) throws -> RESPStore {
        guard case .server(let server) = try CacheURL(url ?? stack["CACHE_URL"]) else { fatalError("not a server") }
        return RESPStore(
            CurrentServer(server), timeout: timeout, longestTimeToLive: .seconds(60), clock: WallClockNow())
    }

    typealias Check = Row<@Sendable (ValueStoreContract) throws -> Void>

    @Test(arguments: ["CACHE_URL", "CACHE_URL_UNIX"], ValueStoreContract.checks)
    func keepsTheContractOnALiveServer(name: String, _ check: Check) throws {
        try run(check, on: makeStore(stack[name]), keyPrefix: "contract-\(name)")
    }

    @Test(.enabled(if: PrivateGarnet.isInstalled, "\(PrivateGarnet.absence)"), arguments: ValueStoreContract.checks)
    func keepsTheContractOnGarnet(_ check: Check) throws {
        // Its first answers wait for its compiler.
        try run(check, on: makeStore(PrivateGarnet.shared.get().url, timeout: .seconds(30)), keyPrefix: "contract")
    }

    private func run(_ check: Check, on store: RESPStore, keyPrefix: String) throws {
        let contract = ValueStoreContract(store, keyPrefix: keyPrefix) { duration in
            // Values expire by the server's own clock, which only waiting moves.
            _ = poll(nil, 0, duration.roundedUpMilliseconds)
        }
        try check.value(contract)
    }

    @Test func connectionThatTheServerClosedIsReplaced() throws {
        let store = try makeStore()
        try store.setValue([1, 2, 3], forKey: "test:lost", in: "g", timeToLive: .seconds(30))
        _ = try stack.redis("client", "kill", "type", "normal", "skipme", "yes")
        #expect(try store.value(forKey: "test:lost") == [1, 2, 3])
        try store.removeValue(forKey: "test:lost", in: "g")
    }

    @Test func silentServerTimesOut() throws {
        let server = UnhelpfulServer(.silent)
        try expectFailure("timeout", try makeStore("redis://127.0.0.1:\(server.port)/0", timeout: .milliseconds(100)))
    }

    @Test func tricklingServerTimesOut() throws {
        // Never a whole line: each read succeeds, the reply never ends.
        let server = UnhelpfulServer(.trickling(byte: UInt8(ascii: "+"), everyMilliseconds: 20))
        try expectFailure("timeout", try makeStore("redis://127.0.0.1:\(server.port)/0", timeout: .milliseconds(200)))
    }

    @Test func serverThatClosesTheConnectionIsLost() throws {
        let server = UnhelpfulServer(.hangsUp)
        try expectFailure("lost", try makeStore("redis://127.0.0.1:\(server.port)/0"))
    }

    @Test func serverOfAnotherProtocolIsAProtocolError() throws {
        let server = UnhelpfulServer(.trickling(byte: UInt8(ascii: "!"), everyMilliseconds: 1))
        try expectFailure("protocol", try makeStore("redis://127.0.0.1:\(server.port)/0"))
    }

    @Test func unreachableAddressIsAConnectFailure() throws {
        try expectFailure("connect", try makeStore("redis://127.0.0.1:1/0"))
        try expectFailure("connect", try makeStore("unix:/nonexistent/redis.sock"))
    }

    @Test func wrongPasswordNamesTheErrorOnly() throws {
        let store = try makeStore(stack["CACHE_URL"].replacing("redis://", with: "redis://user:CANARYpassword@"))
        #expect { try store.probe(under: "test") } throws: { error in
            guard let error = error as? ValueStoreError else { return false }
            return error.code == "refused" && !error.description.contains("CANARY")
        }
    }

    private func expectFailure(_ code: String, _ store: RESPStore) throws {
        #expect { _ = try store.value(forKey: "any") } throws: { ($0 as? ValueStoreError)?.code == code }
    }
}
