import CEpoll
import Glibc
import Resilience

/// Reserved descriptors for the connections of one socket: a process that has used up its limit still answers there.
public final class DescriptorReserve: Sendable {
    private let size: Int
    private let kept = Locked<[Int32]>([])

    /// - Parameter size: connections that can be accepted with it at the same time.
    public init(size: Int) { self.size = size }

    deinit { kept.withLock { for descriptor in $0 { close(descriptor) } } }

    /// Accepts a connection of a non-blocking socket.
    /// - Parameter isOwner: whether the reserve is for this socket; any other socket waits until the reserve is
    ///   complete again.
    /// - Returns: the connection, or the negative of an error number.
    func accept(_ socket: Int32, isOwner: Bool) -> Int32 {
        kept.withLock { kept in
            while kept.count < size {
                // An unrelated descriptor: a duplicate of the socket would keep it open when a drain closes it.
                let descriptor = eventfd(0, Int32(EFD_CLOEXEC))
                guard descriptor >= 0 else { break }
                kept.append(descriptor)
            }
            guard isOwner || kept.count == size else { return -EMFILE }
            let connection = Self.accept(socket)
            guard connection == -EMFILE, isOwner, let descriptor = kept.popLast() else { return connection }
            close(descriptor)
            return Self.accept(socket)
        }
    }

    static func accept(_ socket: Int32) -> Int32 {
        let connection = accept4(socket, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        return connection >= 0 ? connection : -errno
    }
}
