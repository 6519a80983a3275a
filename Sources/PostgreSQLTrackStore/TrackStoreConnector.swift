import EventLoop
import Resilience
import StreamIssuing

/// Makes connections for a loop on threads that may block: connecting resolves names, reads files and may be refused;
/// cancelling opens another connection.
final class TrackStoreConnector: Sendable {
    /// Cancellations that may wait. Where the server does not answer them, a connection is only closed.
    private static let maximumCancellations = 4

    /// For the connecting thread only.
    private final class Targets: @unchecked Sendable {
        let targets: ConnectionTargets
        init(_ targets: ConnectionTargets) { self.targets = targets }
    }

    /// Hands a connection from one thread to another.
    struct Handover: @unchecked Sendable {
        let connection: PostgreSQLConnection
    }

    private let targets: Targets
    private let timeout: Duration
    private let options: AccessOptions
    private let connecting = BlockingQueue(name: "pg-connect")
    private let cancelling = BlockingQueue(name: "pg-cancel")

    /// - Parameter timeout: for connecting, and the limit of a query on the server's side.
    init(conninfo: any ConnectionStringSource, timeout: Duration, options: AccessOptions) {
        targets = Targets(ConnectionTargets(conninfo))
        self.timeout = timeout
        self.options = options
    }

    /// Connects and prepares, then reports the result on the loop.
    func connect(for loop: EventLoop, _ done: @escaping @Sendable (Result<Handover, PostgreSQLError>) -> Void) {
        connecting.run { [targets, timeout, options] in
            let outcome: Result<Handover, PostgreSQLError>
            do throws(PostgreSQLError) {
                let connection = try targets.targets.connect(by: Deadline(after: timeout)) {
                    (connection, deadline) throws(PostgreSQLError) in
                    try connection.prepare(options, limit: timeout, by: deadline)
                }
                outcome = .success(Handover(connection: connection))
            } catch {
                outcome = .failure(error)
            }
            loop.execute { done(outcome) }
        }
    }

    /// Ends a connection whose server may be busy with a query.
    func giveUp(_ connection: PostgreSQLConnection) {
        guard cancelling.waiting < Self.maximumCancellations else { return }
        let handover = Handover(connection: connection)
        cancelling.run { handover.connection.cancel() }
    }

    /// Waits for the calls that are under way, or for `deadline`.
    /// - Returns: whether both threads have ended.
    func stop(by deadline: Deadline) -> Bool {
        connecting.stop()
        cancelling.stop()
        return [connecting, cancelling].map { $0.join(by: deadline) }.allSatisfy { $0 }
    }
}
