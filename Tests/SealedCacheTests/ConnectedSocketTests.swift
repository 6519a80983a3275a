import Glibc
import TestSupport
import Testing

@testable import SealedCache

@Suite struct ConnectedSocketTests {
    private func option(_ level: Int32, _ name: Int32, of socket: ConnectedSocket) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(socket.descriptor, level, name, &value, &length)
        return value
    }

    @Test func kernelLooksAfterAnIdleConnection() throws {
        let peer = UnhelpfulServer(.silent)
        let server = RESPServer(location: .tcp(host: "127.0.0.1", port: peer.port))
        let socket = try ConnectedSocket.connect(to: server, timeout: .milliseconds(700))
        let tcp = Int32(IPPROTO_TCP)
        #expect(option(SOL_SOCKET, SO_KEEPALIVE, of: socket) == 1 && option(tcp, TCP_NODELAY, of: socket) == 1)
        #expect(option(tcp, TCP_KEEPIDLE, of: socket) == 2 && option(tcp, TCP_KEEPINTVL, of: socket) == 1)
        #expect(option(tcp, TCP_USER_TIMEOUT, of: socket) == 700)
        let flags = fcntl(socket.descriptor, F_GETFL)
        #expect(flags & O_NONBLOCK != 0 && fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func nameWithAnUnusedAddressReachesTheOther() throws {
        // localhost is ::1 and 127.0.0.1 on most machines; the peer listens on the latter alone.
        let peer = UnhelpfulServer(.silent)
        let server = RESPServer(location: .tcp(host: "localhost", port: peer.port))
        _ = try ConnectedSocket.connect(to: server, timeout: .seconds(5))
        #expect(eventually { peer.accepted == 1 })
    }

    @Test func unknownNameIsAConnectFailure() {
        let server = RESPServer(location: .tcp(host: "cache.invalid", port: 6379))
        let error = #expect(throws: ValueStoreError.self) {
            try ConnectedSocket.connect(to: server, timeout: .seconds(5))
        }
        #expect(error?.code == "connect" && error?.reason.hasPrefix("the host name does not resolve") == true)
    }
}
