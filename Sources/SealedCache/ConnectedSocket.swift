import Glibc
import Resilience
import TLSClient

/// A descriptor with one owner, which closes it when it is released: it cannot leak on its way from one thread to
/// another. Non-blocking, with the TLS session on it where there is one.
final class ConnectedSocket: Sendable {
    let descriptor: Int32
    let session: TLSSession?

    init(_ descriptor: Int32, session: TLSSession? = nil) {
        self.descriptor = descriptor
        self.session = session
    }

    deinit { close(descriptor) }

    /// Waits for `events` of poll(2), an error included.
    /// - Throws: `timedOut` at the deadline.
    func wait(for events: Int32, by deadline: Deadline) throws(ValueStoreError) {
        while true {
            var waiting = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = unsafe poll(&waiting, 1, deadline.remainingMilliseconds)
            if count > 0 { return }
            if count == 0 { throw .timedOut }
            guard errno == EINTR else { throw .lost(errno) }
        }
    }
}
