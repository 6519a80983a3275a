import EventLoop
import Glibc
import Resilience
import SealedCache
import TLSClient
import TestSupport
import Testing

/// The RESP stores against a Redis that speaks TLS only.
@Suite(.serialized) struct RESPOverTLSTests {
    private static let started = Result { try PrivateRedis(certificates: TestCertificates()) }
    private let redis: PrivateRedis
    private let certificates: TestCertificates

    init() throws {
        redis = try Self.started.get()
        certificates = try #require(redis.certificates)
        try present(certificates.server)
        try redis.cli("config", "set", "tls-auth-clients", "no")
    }

    private func present(_ pair: TestCertificates.Pair) throws {
        try redis.cli("config", "set", "tls-cert-file", pair.certificate, "tls-key-file", pair.key)
    }

    private func server(_ files: TLSFiles? = nil, url: String? = nil) throws -> CurrentServer {
        let files = files ?? TLSFiles(authorities: certificates.authority)
        let url = try CacheURL(url ?? redis.url()).verified(by: TLSContext(files))
        guard case .server(let server) = url else { fatalError("not a server") }
        return CurrentServer(server)
    }

    private func makeStore(_ server: CurrentServer, timeout: Duration = .seconds(5)) -> RESPStore {
        RESPStore(server, timeout: timeout, longestTimeToLive: .seconds(60), clock: WallClockNow())
    }

    private func expectFailure(_ code: String, _ reason: String, _ server: CurrentServer) {
        let error = #expect(throws: ValueStoreError.self) {
            try makeStore(server, timeout: .seconds(1)).value(forKey: "any")
        }
        #expect(error?.code == code && error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test(arguments: ValueStoreContract.checks)
    func blockingStoreKeepsTheContract(_ check: Row<@Sendable (ValueStoreContract) throws -> Void>) throws {
        let contract = ValueStoreContract(makeStore(try server()), keyPrefix: "contract-tls") { duration in
            // Values expire by the server's own clock, which only waiting moves.
            _ = poll(nil, 0, duration.roundedUpMilliseconds)
        }
        try check.value(contract)
    }

    @Test(arguments: LoopValueStoreContract.checks)
    func storeOfALoopKeepsTheContract(_ check: LoopValueStoreContract.Check) async throws {
        let failure = try await onALoop { loop, store, blocking in
            await LoopValueStoreContract(store, beside: blocking, on: loop, keyPrefix: "loop-contract-tls") {
                duration in
                _ = poll(nil, 0, duration.roundedUpMilliseconds)
            }.run(check)
        }
        if let failure { throw failure }
    }

    @Test func tenThousandReadsOfOneTurnGetTheirReplies() async throws {
        let answers = try await onALoop { loop, store, blocking in
            try? blocking.setValue([7], forKey: "tls-many", in: "tls-many-group", timeToLive: .seconds(30))
            let reads = (0..<10_000).map { _ in store.read("tls-many", by: .now.advanced(by: .seconds(30))) }
            var values: Set<[UInt8]?> = []
            for read in reads { values.insert(try? await read.value().get()) }
            return values
        }
        #expect(answers == [[7]])
    }

    private func onALoop<Result: Sendable>(
        _ body: @escaping @Sendable (EventLoop, RESPLoopStore, RESPStore) async -> Result
    ) async throws -> Result {
        let (server, queue, running) = (try server(), BlockingQueue(name: "test-connector"), RunningLoop())
        defer {
            queue.stop()
            queue.join()
        }
        return await running.run { loop in
            let store = RESPLoopStore(
                server, on: loop, connector: RESPConnector(on: queue), timeout: .seconds(5),
                longestTimeToLive: .seconds(60), clock: WallClockNow())
            store.start()
            _ = await loop.turnsPass { store.isConnected }
            let blocking = RESPStore(
                server, timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
            let result = await body(loop, store, blocking)
            store.close()
            return result
        }
    }

    @Test func certificateForTheHostNameIsAccepted() throws {
        try makeStore(server(url: redis.url(host: "localhost"))).probe(under: "tls")
    }

    @Test func authorityThatIsNotKnownIsNamed() throws {
        expectFailure("tls", "NOVATUNE_CACHE_CA_FILE", try server(TLSFiles()))
    }

    @Test func certificateForAnotherHostIsNamed() throws {
        try present(certificates.otherServer)
        expectFailure("tls", "another host name", try server())
    }

    @Test func expiredCertificateIsNamed() throws {
        try present(certificates.expiredServer)
        expectFailure("tls", "has expired", try server())
    }

    @Test func clientCertificateIsPresentedWhereTheServerRequiresOne() throws {
        try redis.cli("config", "set", "tls-auth-clients", "yes")
        expectFailure("tls", "NOVATUNE_CACHE_CLIENT_CERTIFICATE_FILE", try server())
        let client = certificates.client
        let files = TLSFiles(authorities: certificates.authority, certificate: client.certificate, key: client.key)
        try makeStore(server(files)).probe(under: "tls")
    }

    @Test func serverWithoutTLSIsNamed() throws {
        let plain = try PrivateRedis()
        let url = plain.url().replacing("redis://", with: "rediss://")
        let error = #expect(throws: ValueStoreError.self) {
            try makeStore(server(url: url), timeout: .seconds(1)).value(forKey: "any")
        }
        #expect(error?.reason.contains("TLS") == true, "\(String(describing: error))")
    }

    @Test func plainConnectionToATLSServerNamesTLS() throws {
        let url = redis.url().replacing("rediss://", with: "redis://")
        expectFailure("lost", "rediss://", try server(url: url))
    }

    @Test(arguments: [UnhelpfulServer.Behaviour.silent, .hangsUp])
    func serverThatDoesNotCompleteTheHandshakeIsNamed(_ behaviour: UnhelpfulServer.Behaviour) throws {
        let peer = UnhelpfulServer(behaviour)
        let error = #expect(throws: ValueStoreError.self) {
            try makeStore(server(url: "rediss://127.0.0.1:\(peer.port)"), timeout: .milliseconds(200)).value(
                forKey: "any")
        }
        #expect(error?.reason.contains("during the TLS handshake") == true, "\(String(describing: error))")
    }
}
