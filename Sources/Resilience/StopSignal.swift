import Glibc

/// Asks threads that wait in poll(2), or between two jobs, to end.
public final class StopSignal: Sendable {
    private let sender: Int32
    /// Readable from `send` on; do not read from it.
    public let descriptor: Int32

    public init() {
        var ends: [Int32] = [-1, -1]
        let code = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends)
        precondition(code == 0, "no file descriptors left at start")
        (sender, descriptor) = (ends[0], ends[1])
    }

    deinit {
        close(sender)
        close(descriptor)
    }

    /// Permanent; a second call changes nothing.
    public func send() { shutdown(sender, Int32(SHUT_RDWR)) }

    public var isSent: Bool { wait(until: Deadline(after: .zero)) }

    /// Waits for `send`, or for `deadline`.
    /// - Returns: whether it was sent.
    @discardableResult
    public func wait(until deadline: Deadline) -> Bool {
        while true {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let count = unsafe poll(&waiting, 1, deadline.remainingMilliseconds)
            if count > 0 { return true }
            if count == 0, deadline.isPast { return false }
        }
    }
}
