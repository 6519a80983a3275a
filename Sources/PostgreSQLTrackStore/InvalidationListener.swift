public import Resilience
public import StreamIssuing

/// Receives the database triggers' notifications about cached URLs, on a connection of its own (PostgreSQL manual, "LISTEN", "NOTIFY").
///
/// It replaces a lost connection, with increasing waits; notifications that were sent meanwhile are not repeated. Not thread-safe.
public final class InvalidationListener {
    public enum Event: Sendable, Equatable {
        /// From now on, notifications of committed changes are received.
        case listening
        /// After a long silence, the server has answered a check.
        case answered
        case lost(Unavailable)
        case received(Invalidation)
        /// A notification on the channel that is no invalidation.
        case malformed
    }

    /// The silence after which the server is asked whether it is still there.
    private static let maximumWait: Duration = .seconds(15)

    private let targets: ConnectionTargets
    private let timeout: Duration
    private let maximumWait: Duration
    private let stop: StopSignal
    private var connection: PostgreSQLConnection?
    private var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    private var retry = Deadline(after: .zero)

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. Of several servers the writable one is chosen: a standby
    ///     does not support LISTEN.
    ///   - timeout: for connecting and for each answer.
    ///   - stop: ends the wait for an event.
    public convenience init(conninfo: SecretText, timeout: Duration, stop: StopSignal = StopSignal()) {
        self.init(conninfo: conninfo, timeout: timeout, maximumWait: Self.maximumWait, stop: stop)
    }

    init(conninfo: SecretText, timeout: Duration, maximumWait: Duration, stop: StopSignal = StopSignal()) {
        self.stop = stop
        targets = ConnectionTargets(
            conninfo: conninfo, applicationName: "novatune-streamd invalidation", overriding: ["target_session_attrs": "read-write"])
        self.timeout = timeout
        self.maximumWait = maximumWait
    }

    /// Waits for the next event; nil where there was none by the deadline, or the signal to stop came.
    public func next(by deadline: ContinuousClock.Instant) -> Event? {
        let deadline = Deadline(at: deadline)
        guard let connection else { return connect(by: deadline) }
        do {
            if let payload = try connection.notification(by: Deadline(after: maximumWait).earlier(deadline), stop) {
                return InvalidationPayload.decode(payload).map { .received($0) } ?? .malformed
            }
            if deadline.isPast || stop.isSent { return nil }
            // Only a query shows that a peer has vanished silently.
            try connection.execute("select", by: Deadline(after: timeout))
            return .answered
        } catch {
            return lost(error)
        }
    }

    private func connect(by deadline: Deadline) -> Event? {
        let wait = retry.earlier(deadline)
        guard !stop.wait(until: wait), retry.isPast else { return nil }
        do {
            connection = try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
                try connection.execute("listen \(InvalidationPayload.channel)", by: deadline)
            }
            backoff.succeeded()
            return .listening
        } catch {
            return lost(error)
        }
    }

    private func lost(_ error: PostgreSQLError) -> Event {
        connection = nil
        retry = Deadline(after: backoff.failed(jitter: .random(in: 0...1)))
        return .lost(error.unavailable)
    }
}
