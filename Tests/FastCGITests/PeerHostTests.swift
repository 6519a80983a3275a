import Glibc
import TestSupport
import Testing

@testable import FastCGI

/// Peers on this machine; `IPAddressTests` has the addresses of others.
@Suite struct PeerHostTests {
    @Test func peerOfAUnixSocketIsOnThisHost() {
        var ends: [Int32] = [0, 0]
        #expect(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(PeerHost.isThisHost(ends[0]))
    }

    @Test func peerOnLoopbackIsOnThisHost() throws {
        let socket = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
        defer { socket.close() }
        let client = try #require(Self.connect(to: socket.descriptor))
        defer { close(client) }
        let accepted = DescriptorReserve.accept(socket.descriptor)
        defer { close(accepted) }
        #expect(PeerHost.isThisHost(accepted))
    }

    @Test func descriptorWithoutAPeerIsNotOnThisHost() {
        let alone = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(alone) }
        #expect(!PeerHost.isThisHost(alone) && !PeerHost.isThisHost(-1))
    }

    /// A connection to what `listening` is bound to.
    private static func connect(to listening: Int32) -> Int32? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name -> Int32? in
                guard unsafe getsockname(listening, name, &length) == 0 else { return nil }
                let client = unsafe socket(Int32(name.pointee.sa_family), Int32(SOCK_STREAM.rawValue), 0)
                return unsafe Glibc.connect(client, name, length) == 0 ? client : nil
            }
        }
    }
}
