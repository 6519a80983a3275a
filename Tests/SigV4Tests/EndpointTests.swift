@testable import SigV4
import TestSupport
import Testing

@Suite struct EndpointTests {
    struct Parsed: Sendable {
        let scheme: Endpoint.Scheme
        let host: String
        let port: UInt16?
    }

    @Test(arguments: [
        Row("https://s3.example.com", Parsed(scheme: .https, host: "s3.example.com", port: nil)),
        Row("http://s3.example.com", Parsed(scheme: .http, host: "s3.example.com", port: nil)),
        Row("https://s3.example.com/", Parsed(scheme: .https, host: "s3.example.com", port: nil)),
        Row("https://s3.example.com:443", Parsed(scheme: .https, host: "s3.example.com", port: 443)),
        Row("http://s3.example.com:80/", Parsed(scheme: .http, host: "s3.example.com", port: 80)),
        Row("http://127.0.0.1:9000", Parsed(scheme: .http, host: "127.0.0.1", port: 9000)),
        Row("http://localhost:65535", Parsed(scheme: .http, host: "localhost", port: 65_535)),
        Row("http://minio_1:1", Parsed(scheme: .http, host: "minio_1", port: 1)),
        Row("HTTPS://S3.Example.COM", Parsed(scheme: .https, host: "s3.example.com", port: nil)),
        Row("http://[::1]", Parsed(scheme: .http, host: "[::1]", port: nil)),
        Row("http://[::1]:9000", Parsed(scheme: .http, host: "[::1]", port: 9000)),
        Row("https://[2001:DB8::1]:443/", Parsed(scheme: .https, host: "[2001:db8::1]", port: 443)),
    ])
    func goodEndpointIsRead(_ row: Row<Parsed>) throws {
        let endpoint = try #require(Endpoint(row.name))
        #expect(endpoint.scheme == row.value.scheme)
        #expect(endpoint.host == row.value.host)
        #expect(endpoint.port == row.value.port)
    }

    @Test(arguments: [
        "", "s3.example.com", "//s3.example.com", "ftp://s3.example.com", "https:s3.example.com", "https://",
        "https:///", "https://:443",
        "https://s3.example.com/path", "https://s3.example.com//", "https://s3.example.com?x=1",
        "https://s3.example.com#x",
        "https://user@s3.example.com", "https://user:secret@s3.example.com", "https://s3.example.com:",
        "https://s3.example.com:0",
        "https://s3.example.com:65536", "https://s3.example.com:-1", "https://s3.example.com:+80",
        "https://s3.example.com:80a",
        "https://s3.example.com:443:443", "https://s3 example.com", " https://s3.example.com",
        "https://s3.example.com\n",
        "https://caf\u{E9}.example.com", "https://s3.example.com%2F", "http://::1:9000", "http://[::1",
        "http://[::1]9000", "http://[]",
        "http://[zz::1]", "http://[::1]x:80",
        "https://" + String(repeating: "a", count: 254),
    ])
    func badEndpointIsRefused(_ text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test(arguments: [
        Row("https://proxy.example/s3", "/s3"), Row("https://proxy.example/s3/", "/s3"),
        Row("https://proxy.example:8443/storage/v1/s3/", "/storage/v1/s3"),
        Row("https://proxy.example/~a.b_c-1", "/~a.b_c-1"),
        Row("https://proxy.example", ""), Row("https://proxy.example/", ""),
    ])
    func pathOfAnEndpointIsReadWithoutItsLastSlash(_ row: Row<String>) throws {
        let endpoint = try #require(Endpoint(withPath: row.name))
        #expect(endpoint.path == row.value && endpoint.host == "proxy.example")
        #expect(endpoint.url.hasSuffix("\(row.value)/"))
    }

    @Test(arguments: [
        "https://h//", "https://h//s3", "https://h/a//b", "https://h/.", "https://h/../s3", "https://h/s%33",
        "https://h/s3?x", "https://h/s3#x", "https://h/s 3", "https://h/s3\n", "https://h/s3+", "https:///s3",
    ])
    func pathThatClientsSpellInSeveralWaysIsRefused(_ text: String) {
        #expect(Endpoint(withPath: text) == nil)
    }

    @Test func longestHostNameIsRead() {
        #expect(Endpoint("https://" + String(repeating: "a", count: 253)) != nil)
    }

    @Test func hostHeaderOmitsOnlyTheDefaultPort() throws {
        func header(_ text: String) throws -> String { try #require(Endpoint(text)).hostHeader(bucket: "b", .path) }
        #expect(try header("https://h:443") == "h")
        #expect(try header("http://h:80") == "h")
        #expect(try header("https://h:80") == "h:80")
        #expect(try header("http://h:443") == "h:443")
        #expect(try header("https://h") == "h")
        #expect(try header("http://[::1]:9000") == "[::1]:9000")
    }

    @Test func originHasNeitherPathNorDefaultPort() throws {
        func origin(_ text: String, _ addressing: Endpoint.Addressing = .path) throws -> String {
            try #require(Endpoint(withPath: text)).origin(bucket: "Audio", addressing)
        }
        #expect(try origin("https://S3.example:443/store") == "https://s3.example")
        #expect(try origin("http://s3.example:9000") == "http://s3.example:9000")
        #expect(try origin("http://[::1]:9000/") == "http://[::1]:9000")
        #expect(try origin("https://s3.example:8443/store", .virtual) == "https://audio.s3.example:8443")
        #expect(Endpoint("https://Player.example:443/")?.origin == "https://player.example")
    }

    @Test func authorityKeepsThePortAsWritten() throws {
        let endpoint = try #require(Endpoint("https://h:443"))
        #expect(endpoint.authority(bucket: "b", .path) == "h:443")
        #expect(endpoint.authority(bucket: "b", .virtual) == "b.h:443")
    }

    @Test func bucketAloneHasAPathThatEndsInASlash() throws {
        let endpoint = try #require(Endpoint("https://h"))
        #expect(endpoint.objectPath(bucket: "b", key: "", .path) == "/b/")
        #expect(endpoint.objectPath(bucket: "b", key: "", .virtual) == "/")
    }

    @Test func callForABucketIsDescribedWithoutItsObject() throws {
        let endpoint = try #require(Endpoint(withPath: "https://proxy.example/s3"))
        #expect(endpoint.url(bucket: "audio", .path) == "https://proxy.example/s3/audio/")
        #expect(endpoint.url(bucket: "audio", .virtual) == "https://audio.proxy.example/s3/")
        #expect(endpoint.host(bucket: "audio", .path) == "proxy.example" && endpoint.effectivePort == 443)
        #expect(endpoint.host(bucket: "audio", .virtual) == "audio.proxy.example")
        let local = try #require(Endpoint("http://[::1]:9000"))
        #expect(local.url(bucket: "audio", .path) == "http://[::1]:9000/audio/")
        #expect(local.host(bucket: "audio", .path) == "::1" && local.effectivePort == 9000)
    }
}
