import EventLoop
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import SealedCache

/// The store of a loop against servers that do what the test says.
@Suite struct RESPLoopStoreTests {
    private let running = RunningLoop()
    private let servers = Servers()

    /// What the connector finds: one end of each connection, in the order in which they were made.
    private final class Servers: Sendable {
        struct State {
            var pairs: [SocketPair] = []
            var failures: [ValueStoreError] = []
            var attempts = 0
            var hangs = false
            /// The passwords that the connections were made with.
            var passwords: [String?] = []
        }
        let state = ConditionLocked(State())
        let queue = BlockingQueue(name: "test-connector")

        deinit {
            state.withLock { $0.hangs = false }
            state.wakeAll()
            queue.stop()
            queue.join()
        }

        var pairs: [SocketPair] { state.withLock { $0.pairs } }
        var attempts: Int { state.withLock { $0.attempts } }

        func letGo() {
            state.withLock { $0.hangs = false }
            state.wakeAll()
        }

        var connector: RESPConnector {
            let state = state
            return RESPConnector(on: queue) { (server, _) throws(ValueStoreError) in
                let pair = SocketPair()
                state.withLock { state in
                    state.attempts += 1
                    state.passwords.append(server.password)
                }
                let failure: ValueStoreError? = state.wait { state in
                    if state.hangs { return .wait(until: nil) }
                    if !state.failures.isEmpty { return .done(state.failures.removeFirst()) }
                    state.pairs.append(pair)
                    return .done(nil)
                }
                if let failure { throw failure }
                return pair.take()
            }
        }
    }

    private struct Client: @unchecked Sendable {
        let loop: EventLoop
        let store: RESPLoopStore

        func read(_ key: String = "k") -> Promise<String> {
            let promise = Promise<String>()
            store.read(key, by: loop.now.advanced(by: .seconds(60))) { result in
                switch result {
                case .success(let value): promise.keep(value.map { String(decoding: $0, as: UTF8.self) } ?? "nil")
                case .failure(let error): promise.keep(error.code)
                }
            }
            return promise
        }

        func write(_ key: String = "k") -> Promise<String> {
            let promise = Promise<String>()
            store.write([1], forKey: key, in: "g", timeToLive: .seconds(1)) { result in
                if case .failure(let error) = result { promise.keep(error.code) } else { promise.keep("stored") }
            }
            return promise
        }

        func nextTurn() async {
            let promise = Promise<Void>()
            loop.execute { promise.keep(()) }
            await promise.value()
        }

        func turns(until condition: () -> Bool) async {
            // A generous limit: what follows then fails.
            let limit = ContinuousClock.now.advanced(by: .seconds(30))
            while !condition(), ContinuousClock.now < limit { await nextTurn() }
        }
    }

    private func started(
        timeout: Duration = .seconds(60), writeLimits: WriteLimits = .init(), connected: Bool = true,
        server: CurrentServer = CurrentServer(RESPServer(location: .unix(path: "/none"))),
        _ body: @escaping @Sendable (Client, Servers) async -> Void
    ) async {
        let servers = servers
        await running.run { loop in
            let store = RESPLoopStore(
                server, on: loop, connector: servers.connector, timeout: timeout,
                commands: StoreCommands(longestTimeToLive: .seconds(60), clock: SettableWallClock(1000)),
                writeLimits: writeLimits)
            let client = Client(loop: loop, store: store)
            store.start()
            if connected { await client.turns { store.isConnected } }
            await body(client, servers)
            store.close()
        }
    }

    @Test func writeIsOneRoundTripOnAConnectionOfItsOwn() async {
        await started { client, servers in
            let (read, write) = (client.read("key"), client.write("key"))
            await client.nextTurn()
            #expect(servers.pairs[0].receive() == "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n")
            var sent = servers.pairs[1].receive()
            for name in ["ZADD", "ZREMRANGEBYSCORE", "PEXPIRE", "SET"] {
                let range = sent.firstRange(of: "\r\n\(name)\r\n")
                #expect(range != nil)
                if let range { sent.removeSubrange(..<range.lowerBound) }
            }
            servers.pairs[1].send(":1\r\n:0\r\n:1\r\n+OK\r\n")
            servers.pairs[0].send("$2\r\nhi\r\n")
            #expect(await [read.value(), write.value()] == ["hi", "stored"])
        }
    }

    @Test func pausedWritesFailAndReadsGoOn() async {
        await started(timeout: .milliseconds(50)) { client, servers in
            let writes = (0..<10).map { client.write("\($0)") }
            var answered = 0
            while !writes.allSatisfy(\.isKept) {
                let read = client.read()
                servers.pairs[0].send("$-1\r\n")
                #expect(await read.value() == "nil")
                answered += 1
            }
            #expect(answered > 0)
            for write in writes { #expect(await write.value() == "timeout") }
            // The connection for writes is made again, the one for reads is as it was.
            await client.turns { servers.attempts == 3 && client.store.isConnected }
            #expect(
                !servers.pairs[0].isClosed && servers.pairs[1].receive().contains("ZADD") && servers.pairs[1].isClosed)
            let write = client.write()
            servers.pairs[2].send(":1\r\n:0\r\n:1\r\n+OK\r\n")
            await client.nextTurn()
            _ = write
        }
    }

    @Test func writesThatDoNotFitAreDroppedAndTheOthersLeaveOneByOne() async {
        await started(writeLimits: WriteLimits(entries: 2, bytes: 10_000, inFlight: 1)) { client, servers in
            let writes = (0..<3).map { client.write("\($0)") }
            #expect(await writes[2].value() == "overloaded")
            await client.nextTurn()
            #expect(servers.pairs[1].receive().split(separator: "ZADD").count == 2)
            #expect(!writes[0].isKept)
            servers.pairs[1].send(":1\r\n:0\r\n:1\r\n+OK\r\n")
            #expect(await writes[0].value() == "stored")
            await client.nextTurn()
            #expect(servers.pairs[1].receive().contains("ZADD"))
            servers.pairs[1].send(":1\r\n:0\r\n:1\r\n-OOM command not allowed\r\n")
            #expect(await writes[1].value() == "refused")
        }
    }

    @Test func hangingConnectDelaysNoRead() async {
        let servers = servers
        servers.state.withLock { $0.hangs = true }
        await started(connected: false) { client, servers in
            await client.turns { servers.attempts == 1 }
            for _ in 0..<100 {
                let (read, write) = (client.read(), client.write())
                #expect(read.isKept)
                #expect(await read.value() == "connecting")
                #expect(await write.value() == "connecting")
            }
            servers.letGo()
            await client.turns { client.store.isConnected }
            let read = client.read()
            servers.pairs[0].send("$2\r\nhi\r\n")
            #expect(await read.value() == "hi")
        }
    }

    @Test func failedAttemptIsRepeatedAndReadsFailMeanwhile() async {
        servers.state.withLock { $0.failures = [ValueStoreError(code: "connect", reason: "refused")] }
        await started(connected: false) { client, servers in
            await client.turns { servers.attempts >= 2 }
            await client.nextTurn()
            if !client.store.isConnected { #expect(["connect", "connecting"].contains(await client.read().value())) }
            await client.turns { client.store.isConnected }
            #expect(servers.attempts == 3)
        }
    }

    @Test func lostConnectionIsReplaced() async {
        await started { client, servers in
            let read = client.read()
            servers.pairs[0].hangUp()
            #expect(await read.value() == "lost")
            #expect(["connect", "connecting"].contains(await client.read().value()))
            await client.turns { client.store.isConnected }
            let again = client.read()
            servers.pairs[2].send("$2\r\nhi\r\n")
            #expect(await again.value() == "hi")
        }
    }

    @Test func nextConnectionUsesARenewedPassword() async {
        let current = CurrentServer(RESPServer(location: .unix(path: "/none"), password: "old"))
        let renewed = RESPServer(location: .unix(path: "/none"), password: "new")
        await started(server: current) { client, servers in
            #expect(current.renewCredentials(from: renewed))
            let read = client.read()
            servers.pairs[0].hangUp()
            #expect(await read.value() == "lost")
            await client.turns { client.store.isConnected }
            #expect(servers.state.withLock { $0.passwords } == ["old", "old", "new"])
        }
    }

    @Test func serverAtAnotherPlaceIsNotTaken() {
        let former = RESPServer(location: .unix(path: "/none"), database: 1)
        let current = CurrentServer(former)
        for other in [
            RESPServer(location: .unix(path: "/none")), RESPServer(location: .unix(path: "/other"), database: 1),
            RESPServer(location: .unix(path: "/none"), database: 1, usesTLS: true),
        ] {
            #expect(!current.renewCredentials(from: other))
        }
        #expect(current.value == former)
    }

    @Test func replicaEndsTheConnectionForWritesAndReadsFollowToTheNewMaster() async {
        await started { client, servers in
            let refused = client.write()
            await client.nextTurn()
            servers.pairs[1].send("-READONLY You can't write against a read only replica.\r\n")
            #expect(await refused.value() == "refused")
            await client.turns { client.store.isConnected }
            #expect(servers.pairs.count == 3)
            #expect(servers.pairs[1].receive().contains("ZADD") && servers.pairs[1].isClosed)
            // Until a server takes a write, reads stay where they are.
            let read = client.read()
            servers.pairs[0].send("$2\r\nhi\r\n")
            #expect(await read.value() == "hi")
            let write = client.write()
            await client.nextTurn()
            servers.pairs[2].send(":1\r\n:0\r\n:1\r\n+OK\r\n")
            #expect(await write.value() == "stored")
            await client.turns { servers.pairs.count == 4 && client.store.isConnected }
            let moved = client.read()
            servers.pairs[3].send("$3\r\nnew\r\n")
            #expect(await moved.value() == "new")
        }
    }

    @Test func connectionMadeAfterTheEndIsClosed() async {
        let servers = servers
        servers.state.withLock { $0.hangs = true }
        await started(connected: false) { client, servers in
            await client.turns { servers.attempts == 1 }
            client.store.close()
            #expect(await client.read().value() == "closed")
            servers.letGo()
            await client.turns { servers.pairs.count == 2 && servers.pairs.allSatisfy(\.isClosed) }
        }
        #expect(servers.pairs.count == 2)
    }

    @Test func closingFailsTenThousandReadsAndQueuedWrites() async {
        await started { client, _ in
            let reads = (0..<10_000).map { client.read("\($0)") }
            let writes = (0..<500).map { client.write("\($0)") }
            client.store.close()
            #expect(reads.allSatisfy(\.isKept) && writes.allSatisfy(\.isKept))
            #expect(await [reads[9999].value(), writes[499].value()] == ["closed", "closed"])
        }
    }
}
