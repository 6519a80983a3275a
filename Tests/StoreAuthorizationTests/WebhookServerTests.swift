import FastCGI
import Glibc
import TestSupport
import Testing

@testable import StoreAuthorization

@Suite("The webhook's connections")
struct WebhookServerTests {
    private static let token = "token-of-the-tests"

    private final class Client {
        let descriptor: Int32

        init(path: String) throws { descriptor = try #require(Self.connectedSocket(path)) }
        deinit { close(descriptor) }

        /// - Returns: the answer; nil where the connection is closed.
        func ask(_ token: String = WebhookServerTests.token) -> String? {
            let request = Array("POST / HTTP/1.1\r\nX-Auth-Token: \(token)\r\nContent-Length: 2\r\n\r\n{}".utf8)
            _ = unsafe request.withUnsafeBytes {
                unsafe send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            return read()
        }

        func read() -> String? {
            var bytes = [UInt8](repeating: 0, count: 1024)
            let count = unsafe recv(descriptor, &bytes, bytes.count, 0)
            return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
        }

        private static func connectedSocket(_ path: String) -> Int32? {
            let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            let done = unsafe withUnsafePointer(to: address) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            return done == 0 ? descriptor : nil
        }
    }

    @Test("At the limit a new one takes the place of one without a token, then of the one idle for the longest time")
    func displacement() throws {
        let directory = try TemporaryDirectory(), running = RunningLoop()
        let path = directory.path("s")
        let server = WebhookServer(
            running.loop, socket: try ListeningSocket(.unix(path: path)), tokens: WebhookTokens([Self.token]),
            authorizer: RecordedQuestion.rgw.authorizer(), connectionLimit: 2, refused: { nil }, observer: { _, _ in })
        server.start()
        defer { server.stop() }
        let first = try Client(path: path)
        #expect(first.ask() != nil)
        let stranger = try Client(path: path)
        #expect(stranger.ask("another") != nil)
        let second = try Client(path: path)
        #expect(second.ask() != nil && stranger.read() == nil, "it has shown no token, and was used last")
        #expect(first.ask() != nil && server.openConnections == 2 && server.displacedConnections == 1)
        let third = try Client(path: path)
        #expect(third.ask() != nil && second.read() == nil, "it was used before the first")
        #expect(first.ask() != nil && third.ask() != nil)
        #expect(server.openConnections == 2 && server.displacedConnections == 2)
    }
}
