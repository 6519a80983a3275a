import SealedCache
import TestSupport
import Testing

/// A master, its replica and a sentinel.
@Suite(.serialized) struct RESPSentinelTests {
    private func makeStore(_ url: String) throws -> RESPStore {
        guard case .server(let server) = try CacheURL(url) else { fatalError("not a server") }
        return RESPStore(
            CurrentServer(server), timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
    }

    @Test func storeFollowsAFailover() throws {
        let (master, replica) = (try PrivateRedis(), try PrivateRedis())
        try replica.cli("replicaof", "127.0.0.1", "\(master.port)")
        let sentinel = try PrivateRedis(
            configuration:
                "sentinel monitor tracks 127.0.0.1 \(master.port) 1\nsentinel failover-timeout tracks 10000\n",
            ["--sentinel"])
        // The first sentinel that is named is away.
        let store = try makeStore("redis+sentinel://127.0.0.1:1,127.0.0.1:\(sentinel.port)/tracks/2")
        try store.setValue([1], forKey: "stream:u:t", in: "stream:u", timeToLive: .seconds(600))
        #expect(try master.cli("-n", "2", "exists", "stream:u:t") == "1\n")

        #expect(
            eventually { (try? sentinel.cli("sentinel", "replicas", "tracks"))?.contains("\(replica.port)") == true })
        #expect(eventually { (try? sentinel.cli("sentinel", "failover", "tracks"))?.contains("OK") == true })
        #expect(eventually { (try? replica.cli("role"))?.hasPrefix("master") == true })
        #expect(eventually { (try? master.cli("role"))?.hasPrefix("slave") == true })
        #expect(eventually { (try? store.probe(under: "stream")) != nil })
        try store.setValue([2], forKey: "stream:u:new", in: "stream:u", timeToLive: .seconds(600))
        #expect(try replica.cli("-n", "2", "exists", "stream:u:new") == "1\n")
    }

    @Test func masterThatNoSentinelKnowsIsNamed() throws {
        let sentinel = try PrivateRedis(configuration: "", ["--sentinel"])
        let error = #expect(throws: ValueStoreError.self) {
            try makeStore("redis+sentinel://127.0.0.1:\(sentinel.port)/tracks").probe(under: "stream")
        }
        #expect(error?.reason.contains("knows no master of the name") == true, "\(String(describing: error))")
    }
}
