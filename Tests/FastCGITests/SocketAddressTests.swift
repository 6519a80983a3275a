import FastCGI
import TestSupport
import Testing

@Suite struct SocketAddressTests {
    private static let longest = "/" + String(repeating: "a", count: 106)

    @Test(
        arguments: [
            Row("unix:/run/novatune/stream.sock", .unix(path: "/run/novatune/stream.sock")),
            Row("unix:\(longest)", .unix(path: longest)),
            Row("fd:0", .inherited(descriptor: 0)), Row("fd:3", .inherited(descriptor: 3)),
            Row("127.0.0.1:9000", .tcp(host: "127.0.0.1", port: 9000)),
            Row("127.0.0.1:65535", .tcp(host: "127.0.0.1", port: 65_535)),
            Row("[::1]:9000", .tcp(host: "::1", port: 9000)),
            Row("localhost:9000", .tcp(host: "localhost", port: 9000)),
            Row("stream-1.example.com:9000", .tcp(host: "stream-1.example.com", port: 9000)),
            Row("[fe80::1%eth0]:1", .tcp(host: "fe80::1%eth0", port: 1)),
        ] as [Row<SocketAddress>])
    func goodAddressIsReadAndDescribesItselfAsItWasWritten(_ row: Row<SocketAddress>) throws {
        let address = try #require(SocketAddress(row.name))
        #expect(address == row.value)
        #expect(address.description == row.name)
    }

    @Test(arguments: [
        "", "unix:", "unix:relative", "unix:\(longest)a", "unix:/a\0b", "Unix:/a", "/run/a.sock", "fd:", "fd:-1",
        "fd:+3", "fd:x", "fd:3x",
        "fd:99999999999", "9000", ":9000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:+80",
        "127.0.0.1:x", "127.0.0.1: 80", "::1", "::1:9000", "[::1]", "[::1", "[::1:9000", "::1]:9000", "[]:9000",
        "http://127.0.0.1:9000", "a b:9000", "a/b:9000", "é:9000", "a@b:9000",
    ])
    func badAddressIsRefused(_ text: String) {
        #expect(SocketAddress(text) == nil)
    }
}
