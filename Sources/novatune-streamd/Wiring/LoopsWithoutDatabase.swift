import EventLoop
import Resilience
import StreamIssuing

/// Why event loops have no connection to the database, for each that has none.
final class LoopsWithoutDatabase: Sendable {
    private let causes = Locked<[ObjectIdentifier: Unavailable]>([:])

    /// Nil where all have one.
    var failure: String? {
        causes.withLock { $0.values.first }.map { "an event loop has no connection: \($0)" }
    }

    /// Receives why the loop could not connect, and nil where it could.
    func reporter(for loop: EventLoop) -> (Unavailable?) -> Void {
        let id = ObjectIdentifier(loop)
        return { [causes] cause in causes.withLock { $0[id] = cause } }
    }
}
