import CEpoll
import Glibc
import Resilience

/// Descriptors that are kept back for the connections of one socket: a process whose limit is used up still answers there.
public final class DescriptorReserve: Sendable {
    private let size: Int
    private let kept = Locked<[Int32]>([])

    /// - Parameter size: connections that are accepted with it at once.
    public init(size: Int) { self.size = size }

    deinit { kept.withLock { for descriptor in $0 { close(descriptor) } } }

    /// Accepts a connection of a socket that does not block.
    /// - Parameter isOwner: whether the reserve is for this socket; any other waits until it is whole again.
    /// - Returns: the connection, or the negative of an error number.
    func accept(_ socket: Int32, isOwner: Bool) -> Int32 {
        kept.withLock { kept in
            while kept.count < size {
                // Of nothing: a second descriptor of the socket would keep it open when a drain closes it.
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
