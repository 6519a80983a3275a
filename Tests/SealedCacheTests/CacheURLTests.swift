@testable import SealedCache
import TestSupport
import Testing

@Suite struct CacheURLTests {
    private static func tcp(
        _ host: String, _ port: UInt16 = 6379, database: Int = 0, user: String? = nil, password: String? = nil
    ) -> CacheURL {
        .server(RESPServer(location: .tcp(host: host, port: port), database: database, user: user, password: password))
    }

    @Test(
        arguments: [
            Row("memory:", .memory(.init())), Row("memory:?entries=5", .memory(.init(entries: 5))),
            Row("memory:?bytes=1000&entries=5", .memory(.init(entries: 5, bytes: 1000))), Row("memory:?", .memory(.init())),
            Row("redis://cache", tcp("cache")), Row("redis://cache/", tcp("cache")), Row("redis://cache:6380", tcp("cache", 6380)),
            Row("redis://127.0.0.1:6379/15", tcp("127.0.0.1", database: 15)), Row("redis://[::1]", tcp("::1")),
            Row("redis://[::1]:7000/1", tcp("::1", 7000, database: 1)), Row("redis://:pass@cache", tcp("cache", password: "pass")),
            Row("redis://user:pass@cache:1/2", tcp("cache", 1, database: 2, user: "user", password: "pass")),
            Row("redis://us%65r:p%40ss%2F%3A%C3%A9@cache", tcp("cache", user: "user", password: "p@ss/:é")),
            Row("redis://user:p@ss:word@cache", tcp("cache", user: "user", password: "p@ss:word")),
            Row("unix:/run/redis.sock", .server(RESPServer(location: .unix(path: "/run/redis.sock")))),
            Row("unix:/run/redis.sock?db=3", .server(RESPServer(location: .unix(path: "/run/redis.sock"), database: 3))),
        ] as [Row<CacheURL>])
    func goodURLIsRead(_ row: Row<CacheURL>) throws {
        #expect(try CacheURL(row.name) == row.value)
    }

    @Test(arguments: [
        "", "memory", "Memory:", "memory:entries=5", "memory:?entries", "memory:?entries=0", "memory:?entries=-1", "memory:?entries=x",
        "memory:?size=5", "memory:?entries=99999999999999999999", "redis:", "redis://", "redis:///0", "redis://:6379", "redis://cache:",
        "redis://cache:0", "redis://cache:65536", "redis://cache:x", "redis://cache:+1", "redis://cache/x", "redis://cache/-1",
        "redis://cache/65536", "redis://cache/0/1", "redis://cache/0?x=1", "redis://cache?db=1", "redis://cache#x", "redis://ca che",
        "rediss://cache", "http://cache", "//cache", "cache:6379", "unix:", "unix:relative", "unix:/a?db=x", "unix:/a?db=-1",
        "unix:/a?db=65536", "unix:/a?x=1", "unix:/a?", " memory:",
    ])
    func badURLIsRefused(_ text: String) {
        #expect(throws: CacheURLError.self, "\(text)") { try CacheURL(text) }
    }

    @Test(arguments: [
        "redis://user@cache", "redis://canary@cache", "redis://user:%zzcanary@cache", "redis://user:canary%4@cache",
        "redis://us%+1er:canary@cache",
        "redis://user:%+1canary@cache", "redis://us%zzer:canary@cache", "redis://user:canary%FF@cache", "redis://user:canary@",
        "redis://user:canary@:1",
        "redis://user:canary@cache:canary", "redis://user:canary@cache/canary", "redis://user:canary@ca che", "redi://user:canary@cache",
        "unix:canary", "unix:/a?db=canary", "memory:?canary=1", "memory:?entries=canary", "canary",
    ])
    func refusalDoesNotQuoteTheURL(_ text: String) throws {
        let error = #expect(throws: CacheURLError.self) { try CacheURL(text) }
        #expect(try !"\(#require(error)) \(String(reflecting: error))".contains("canary"))
    }

    @Test func noDescriptionHoldsThePassword() throws {
        let url = try CacheURL("redis://user:canary@cache:1/2")
        guard case .server(let server) = url else {
            Issue.record("not a server")
            return
        }
        var dumped = ""
        dump(url, to: &dumped)
        dump(server, to: &dumped)
        for text in ["\(url)", String(reflecting: url), "\(server)", String(reflecting: server), "\([server])", dumped] {
            #expect(!text.contains("canary"))
        }
        #expect(server.description == "redis://cache:1/2")
    }
}
