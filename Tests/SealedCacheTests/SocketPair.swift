import Glibc
import Resilience

@testable import SealedCache

/// A server's end of a connection, in the hands of a test; the other end is for a `RESPLoopConnection`.
final class SocketPair: Sendable {
    private let near: Locked<ConnectedSocket?>
    private let far: Int32

    /// - Parameter kind: `SOCK_SEQPACKET` keeps the bounds of what was written.
    init(_ kind: __socket_type = SOCK_STREAM) {
        var pair: [Int32] = [0, 0]
        unsafe precondition(socketpair(AF_UNIX, Int32(kind.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        near = Locked(ConnectedSocket(pair[0]))
        far = pair[1]
    }

    deinit { close(far) }

    /// The other end, whose only owner the caller is from then on.
    func take() -> ConnectedSocket {
        near.withLock { near in
            guard let socket = near else { preconditionFailure("taken before") }
            near = nil
            return socket
        }
    }

    /// - Returns: whether all of it fitted.
    @discardableResult func send(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe Glibc.send(far, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }

    /// What has come since the last time; empty where nothing has.
    func receive() -> String {
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe recv(far, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    /// The server closes its end.
    func hangUp() { shutdown(far, Int32(SHUT_RDWR)) }

    /// Whether the other end is closed.
    var isClosed: Bool {
        var byte: UInt8 = 0
        return unsafe recv(far, &byte, 1, Int32(MSG_PEEK)) == 0
    }
}
