import Foundation
import SealedCache
import TestSupport
import Testing

/// What a Redis allows its user, and what it becomes.
@Suite(.serialized) struct RESPServerStateTests {
    private static let admin = "user admin on >admin ~* +@all"

    private func makeStore(_ url: String) throws -> (RESPStore, CurrentServer) {
        guard case .server(let server) = try CacheURL(url) else { fatalError("not a server") }
        let current = CurrentServer(server)
        return (
            RESPStore(current, timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow()), current
        )
    }

    /// Redis with one user beside its administrator.
    private func redis(user rules: String) throws -> PrivateRedis {
        try PrivateRedis(
            configuration: "user default off\n\(Self.admin)\n\(rules)\n", login: ["--user", "admin", "--pass", "admin"])
    }

    /// The line of the article, with a password.
    private static func documentedRules() throws -> String {
        let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let article = repository.appendingPathComponent(
            "Sources/novatune-streamd/Documentation.docc/Deployment.md")
        let text = try String(contentsOf: article, encoding: .utf8)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("user novatune on >PASSWORD ~") })
        return String(line).replacing("PASSWORD", with: "secret")
    }

    private func useEverything(_ url: String) throws {
        let (store, _) = try makeStore(url)
        try store.probe(under: "stream")
        _ = try store.add(1, toCounter: "stream-seals:test")
        try store.setValue([1], forKey: "stream:u:t", in: "stream:u", timeToLive: .seconds(60))
        #expect(try store.value(forKey: "stream:u:t") == [1])
        #expect(try store.removeValue(forKey: "stream:u:t", in: "stream:u"))
        try store.setValue([1], forKey: "stream:u:t", in: "stream:u", timeToLive: .seconds(60))
        #expect(try store.removeValues(in: "stream:u") == 1)
        try store.setValue([1], forKey: "stream:u:t", in: "stream:u", timeToLive: .seconds(60))
        #expect(try store.removeValues(under: "stream") == 1)
    }

    @Test func documentedUserMayDoEverythingThatTheStoreDoes() throws {
        let redis = try redis(user: Self.documentedRules())
        try useEverything(redis.url("novatune:secret@"))
        try useEverything(redis.url("novatune:secret@").replacing("/0", with: "/1"))
    }

    @Test func eachDocumentedCommandIsNeeded() throws {
        let rules = try Self.documentedRules()
        let redis = try redis(user: rules)
        let commands = rules.split(separator: " ").filter { $0.hasPrefix("+") }.map { $0.dropFirst() }
        // Without PING a connection is made all the same.
        for command in commands where command != "ping" {
            try redis.cli("acl", "setuser", "novatune", "-\(command)")
            let url = redis.url("novatune:secret@").replacing("/0", with: "/1")
            let error = #expect(throws: ValueStoreError.self, "\(command)") { try useEverything(url) }
            #expect(error?.reason.contains("NOPERM to \(command.uppercased())") == true, "\(String(describing: error))")
            try redis.cli("acl", "setuser", "novatune", "+\(command)")
        }
    }

    @Test func probeNamesTheCommandAndTheRefusal() throws {
        let redis = try PrivateRedis()
        let (store, _) = try makeStore(redis.url())
        func refusal(_ set: String...) throws -> String {
            try redis.cli("config", "set", set[0], set[1])
            defer { _ = try? redis.cli("config", "set", set[0], "0") }
            let error = #expect(throws: ValueStoreError.self) { try store.probe(under: "stream") }
            return error?.reason ?? ""
        }
        #expect(try refusal("maxmemory", "1").hasPrefix("the server answered OOM to ZADD: its memory is full"))
        #expect(try refusal("min-replicas-to-write", "1").hasPrefix("the server answered NOREPLICAS to ZADD"))
        try store.probe(under: "stream")
    }

    @Test func replicaRefusesTheProbeAndItsPlaceIsLookedUpAgain() throws {
        let (former, next) = (try PrivateRedis(), try PrivateRedis())
        let place = try TemporaryDirectory()
        defer { withExtendedLifetime(place) {} }
        let name = place.path("cache")
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: former.socket)
        let (store, _) = try makeStore("unix:\(name)")
        try store.probe(under: "stream")
        try former.cli("replicaof", "127.0.0.1", "\(next.port)")
        let error = #expect(throws: ValueStoreError.self) { try store.probe(under: "stream") }
        #expect(error?.reason.hasPrefix("the server answered READONLY to ZADD: it is a replica") == true)
        // The name leads to the new master now.
        try FileManager.default.removeItem(atPath: name)
        try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: next.socket)
        try store.probe(under: "stream")
        try store.setValue([1], forKey: "stream:u:t", in: "stream:u", timeToLive: .seconds(60))
        #expect(try next.cli("exists", "stream:u:t") == "1\n")
    }

    @Test func rotatedPasswordIsUsedByTheNextConnection() throws {
        let redis = try redis(user: "user novatune on >old ~* +@all")
        let (store, current) = try makeStore(redis.url("novatune:old@"))
        try store.probe(under: "stream")
        try redis.cli("acl", "setuser", "novatune", "resetpass", ">new")
        try redis.cli("client", "kill", "user", "novatune")
        let error = #expect(throws: ValueStoreError.self) { try store.probe(under: "stream") }
        #expect(error?.reason.hasPrefix("the server answered WRONGPASS to AUTH") == true)
        guard case .server(let renewed) = try CacheURL(redis.url("novatune:new@")) else { fatalError("not a server") }
        #expect(current.renewCredentials(from: renewed))
        try store.probe(under: "stream")
    }

    @Test func serverThatRequiresAPasswordSaysSo() throws {
        let redis = try PrivateRedis(["--requirepass", "secret"], login: ["--pass", "secret"])
        let (store, _) = try makeStore(redis.url())
        let error = #expect(throws: ValueStoreError.self) { try store.probe(under: "stream") }
        #expect(error?.reason.hasPrefix("the server answered NOAUTH to PING: it requires a password") == true)
    }

    @Test func nodeOfAClusterSaysSo() throws {
        let redis = try PrivateRedis(["--cluster-enabled", "yes"])
        let (store, _) = try makeStore(redis.url())
        let error = #expect(throws: ValueStoreError.self) { try store.probe(under: "stream") }
        #expect(error?.reason.hasPrefix("the server answered CLUSTERDOWN to ZADD") == true)
    }
}
