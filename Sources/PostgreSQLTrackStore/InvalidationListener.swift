import OperatorSettings
public import Resilience
public import StreamIssuing

/// Receives the database triggers' notifications about cached URLs, on a connection of its own (PostgreSQL manual,
/// "LISTEN", "NOTIFY").
///
/// It replaces a lost connection, with increasing waits; notifications that were sent meanwhile are not repeated. Not
/// thread-safe.
public final class InvalidationListener {
    public enum Event: Sendable, Equatable {
        /// The server has accepted LISTEN. Whether anything arrives is not known yet.
        case listening
        /// A notification that was sent as a check has arrived: from `listening` on, those of committed changes do.
        case receiving
        /// The check's notification was not sent, or did not arrive. It is sent again after a silence.
        case notReceiving(Unavailable)
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
    private var check = NotificationCheck(identifier: 0)
    private var backoff = Backoff(from: .milliseconds(100), to: .seconds(10))
    private var retry = Deadline(after: .zero)

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts. Of several servers the primary is chosen:
    ///     a standby does not support LISTEN.
    ///   - timeout: for connecting and for each answer.
    ///   - stop: ends the wait for an event.
    public convenience init(
        conninfo: any ConnectionStringSource, timeout: Duration, stop: StopSignal = StopSignal()
    ) {
        self.init(conninfo: conninfo, timeout: timeout, maximumWait: Self.maximumWait, stop: stop)
    }

    init(
        conninfo: any ConnectionStringSource, timeout: Duration, maximumWait: Duration, stop: StopSignal = StopSignal()
    ) {
        self.stop = stop
        // Not `read-write`: the session of a role that may only read listens as well.
        targets = ConnectionTargets(
            conninfo, applicationName: "novatune-streamd invalidation", keepalive: .ofSubscriber,
            overriding: ["target_session_attrs": "primary"])
        self.timeout = timeout
        self.maximumWait = maximumWait
    }

    /// Waits for the next event; nil where there was none by the deadline, or the signal to stop came.
    public func next(by deadline: ContinuousClock.Instant) -> Event? {
        let deadline = Deadline(at: deadline)
        guard let connection else { return connect(by: deadline) }
        if check.isDue, let failure = sendCheck() { return failure }
        do {
            let wait = check.deadline.map { Deadline(at: $0) } ?? Deadline(after: maximumWait)
            if let notification = try connection.notification(by: wait.earlier(deadline), stop) {
                return event(notification)
            }
            if stop.isSent { return nil }
            if let expected = check.deadline, expected <= .now {
                check.failed()
                return .notReceiving(Self.nothingArrived(within: timeout))
            }
            if deadline.isPast { return nil }
            // Only a query shows that a peer has vanished silently.
            try connection.execute("select", by: Deadline(after: timeout))
            check.silenceIsOver()
            return .answered
        } catch {
            return lost(error)
        }
    }

    private func event(_ notification: PostgreSQLConnection.Notification) -> Event {
        if notification.channel == check.channel {
            check.passed()
            return .receiving
        }
        return InvalidationPayload.decode(notification.payload).map { .received($0) } ?? .malformed
    }

    private func connect(by deadline: Deadline) -> Event? {
        let wait = retry.earlier(deadline)
        guard !stop.wait(until: wait), retry.isPast else { return nil }
        check = NotificationCheck(identifier: .random(in: .min ... .max))
        do {
            connection = try targets.connect(by: Deadline(after: timeout)) {
                (connection, deadline) throws(PostgreSQLError) in
                try connection.execute("listen \(InvalidationPayload.channel)", by: deadline)
                try connection.execute("listen \(check.channel)", by: deadline)
            }
            backoff.succeeded()
            return .listening
        } catch {
            return lost(error)
        }
    }

    /// On another connection: whatever a pooler pools, a session receives what it sends itself.
    private func sendCheck() -> Event? {
        do {
            _ = try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
                try connection.execute("notify \(check.channel)", by: deadline)
            }
            check.sent(expectedBy: .now.advanced(by: timeout))
            return nil
        } catch {
            check.failed()
            let cause = error.unavailable
            return .notReceiving(
                Unavailable(
                    .database, code: cause.code,
                    reason: "a second connection could not send a notification as a check: \(cause.reason)"))
        }
    }

    private static func nothingArrived(within limit: Duration) -> Unavailable {
        Unavailable(
            .database, code: "no_notification",
            reason: """
                a notification that was sent as a check did not arrive within \(DurationText.text(limit)); does a \
                pooler in between pool transactions? Then name the database itself in NOVATUNE_DATABASE_SUBSCRIBER_URL
                """)
    }

    private func lost(_ error: PostgreSQLError) -> Event {
        connection = nil
        retry = Deadline(after: backoff.failed(jitter: .random(in: 0...1)))
        return .lost(error.unavailable)
    }
}
