@testable import SealedCache
import TestSupport
import Testing

@Suite struct CacheURLTests {
    private static func tcp(
        _ host: String, _ port: UInt16 = 6379, database: Int = 0, tls: Bool = false, user: String? = nil,
        password: String? = nil
    ) -> CacheURL {
        .server(
            RESPServer(
                location: .tcp(host: host, port: port), database: database, usesTLS: tls, user: user, password: password
            ))
    }

    private static func sentinels(
        _ addresses: [(String, UInt16)], _ master: String, database: Int = 0, password: String? = nil
    ) -> CacheURL {
        let addresses = addresses.map { NodeAddress(host: $0, port: $1) }
        return .server(
            RESPServer(
                location: .sentinels(Sentinels(addresses: addresses, master: master)), database: database,
                password: password))
    }

    private static func cluster(_ nodes: [(String, UInt16)], tls: Bool = false, password: String? = nil) -> CacheURL {
        let nodes = nodes.map { NodeAddress(host: $0, port: $1) }
        return .server(RESPServer(location: .cluster(nodes), usesTLS: tls, password: password))
    }

    @Test(
        arguments: [
            Row("memory:", .memory(.init())), Row("memory:?entries=5", .memory(.init(entries: 5))),
            Row("memory:?bytes=1000&entries=5", .memory(.init(entries: 5, bytes: 1000))),
            Row("memory:?", .memory(.init())),
            Row("redis://cache", tcp("cache")), Row("redis://cache/", tcp("cache")),
            Row("redis://cache:6380", tcp("cache", 6380)),
            Row("redis://127.0.0.1:6379/15", tcp("127.0.0.1", database: 15)), Row("redis://[::1]", tcp("::1")),
            Row("redis://[::1]:7000/1", tcp("::1", 7000, database: 1)),
            Row("redis://:pass@cache", tcp("cache", password: "pass")),
            Row("redis://user:pass@cache:1/2", tcp("cache", 1, database: 2, user: "user", password: "pass")),
            Row("redis://us%65r:p%40ss%2F%3A%C3%A9@cache", tcp("cache", user: "user", password: "p@ss/:é")),
            Row("redis://user:p@ss:word@cache", tcp("cache", user: "user", password: "p@ss:word")),
            Row("rediss://cache", tcp("cache", tls: true)), Row("valkey://cache", tcp("cache")),
            Row("valkeys://cache:1/2", tcp("cache", 1, database: 2, tls: true)),
            Row("redis://cache?db=1", tcp("cache", database: 1)), Row("redis://cache/?db=1", tcp("cache", database: 1)),
            Row("redis://cache/1?protocol=3&db=1", tcp("cache", database: 1)),
            Row("redis://cache?protocol=2", tcp("cache")),
            Row("redis://:AbC/d+e=@10.0.0.5:6379/0", tcp("10.0.0.5", password: "AbC/d+e=")),
            Row("redis://:a?b#c@cache/1", tcp("cache", database: 1, password: "a?b#c")),
            Row("redis://:p@ss@10.0.0.5:6379/0", tcp("10.0.0.5", password: "p@ss")),
            Row(
                "rediss://:key%3D@name.redis.cache.windows.net:6380/0",
                tcp("name.redis.cache.windows.net", 6380, tls: true, password: "key=")),
            Row("redis+sentinel://10.0.0.5:26379/mymaster", sentinels([("10.0.0.5", 26379)], "mymaster")),
            Row(
                "redis+sentinel://:pass@one,two:1/name/2",
                sentinels([("one", 26379), ("two", 1)], "name", database: 2, password: "pass")),
            Row("redis+cluster://one:7000,[::1]", cluster([("one", 7000), ("::1", 6379)])),
            Row("rediss+cluster://:pass@one/0", cluster([("one", 6379)], tls: true, password: "pass")),
            Row("unix:/run/redis.sock", .server(RESPServer(location: .unix(path: "/run/redis.sock")))),
            Row(
                "unix:/run/redis.sock?db=3", .server(RESPServer(location: .unix(path: "/run/redis.sock"), database: 3))),
        ] as [Row<CacheURL>])
    func goodURLIsRead(_ row: Row<CacheURL>) throws {
        #expect(try CacheURL(row.name) == row.value)
    }

    @Test(arguments: [
        "", "memory", "Memory:", "memory:entries=5", "memory:?entries", "memory:?entries=0", "memory:?entries=-1",
        "memory:?entries=x",
        "memory:?size=5", "memory:?entries=99999999999999999999", "redis:", "redis://", "redis:///0", "redis://:6379",
        "redis://cache:",
        "redis://cache:0", "redis://cache:65536", "redis://cache:x", "redis://cache:+1", "redis://cache/x",
        "redis://cache/-1",
        "redis://cache/65536", "redis://cache/0/1", "redis://cache/0?x=1", "redis://cache/1?db=2", "redis://cache?db=x",
        "redis://cache?protocol=4", "redis://cache?",
        "redis://cache#x", "redis://one:1,two:2", "redis+sentinel://cache", "redis+sentinel://,/name",
        "redis+sentinel://cache/name/x", "redis+cluster://", "redis+cluster://one,", "redis+cluster://one/1",
        "redis+sentinel:///name", "valkeys:cache",
        "redis://ca che",
        "http://cache", "//cache", "cache:6379", "unix:", "unix:relative", "unix:/a?db=x",
        "unix:/a?db=-1",
        "unix:/a?db=65536", "unix:/a?x=1", "unix:/a?", " memory:",
    ])
    func badURLIsRefused(_ text: String) {
        #expect(throws: CacheURLError.self, "\(text)") { try CacheURL(text) }
    }

    @Test(arguments: [
        Row("redis-sentinel://10.0.0.5:26379#mymaster", "redis+sentinel://"),
        Row("redis+sentinel://10.0.0.5:26379", "master's name"), Row("rediss-cluster://cache", "rediss+cluster://"),
        Row("redis://one:6379,two:6379", "several hosts"), Row("https://name.upstash.io", "rediss://"),
        Row("redis+socket:///run/redis.sock", "unix:/path"),
        Row("redis://cache?ssl_cert_reqs=none", "NOVATUNE_CACHE_CA_FILE"),
        Row("redis://cache?socket_timeout=1", "NOVATUNE_CACHE_TIMEOUT"),
        Row("redis://cache?password=x", "before the host"),
        Row("redis://:50%off@cache", "%25"), Row("redis://user@cache", "user:password@host"),
    ])
    func formOfAnotherClientIsExplained(_ row: Row<String>) {
        let error = #expect(throws: CacheURLError.self) { try CacheURL(row.name) }
        #expect(error?.description.contains(row.value) == true, "\(String(describing: error))")
    }

    @Test(arguments: [
        "redis://user@cache", "redis://canary@cache", "redis://user:%zzcanary@cache", "redis://user:canary%4@cache",
        "redis://us%+1er:canary@cache",
        "redis://user:%+1canary@cache", "redis://us%zzer:canary@cache", "redis://user:canary%FF@cache",
        "redis://user:canary@",
        "redis://user:canary@:1",
        "redis://user:canary@cache:canary", "redis://user:canary@cache/canary", "redis://user:canary@ca che",
        "redi://user:canary@cache", "redis://:canary@cache?canary=1", "redis://cache?password=canary", "canary://cache",
        "redis://:can/ary?canary@cache/x", "rediss://:canary@one,two",
        "unix:canary", "unix:/a?db=canary", "memory:?canary=1", "memory:?entries=canary", "canary",
    ])
    func refusalDoesNotQuoteTheURL(_ text: String) throws {
        let error = #expect(throws: CacheURLError.self) { try CacheURL(text) }
        #expect(try !"\(#require(error)) \(String(reflecting: error))".contains("canary"))
    }

    @Test func noDescriptionContainsThePassword() throws {
        let url = try CacheURL("redis://user:canary@cache:1/2")
        guard case .server(let server) = url else {
            Issue.record("not a server")
            return
        }
        var dumped = ""
        dump(url, to: &dumped)
        dump(server, to: &dumped)
        for text in ["\(url)", String(reflecting: url), "\(server)", String(reflecting: server), "\([server])", dumped]
        {
            #expect(!text.contains("canary"))
        }
        #expect(server.description == "redis://cache:1/2")
    }
}
