/// Finds out whether a session receives what others send: it must receive a notification that another session sends on
/// a channel of its own. Behind a pooler that pools transactions LISTEN succeeds, and nothing ever arrives.
struct NotificationCheck {
    private enum State {
        case due
        case awaiting(until: ContinuousClock.Instant)
        case passed
        case failed
    }

    private var state = State.due
    /// No other session listens there.
    let channel: String

    /// - Parameter identifier: differs from that of every other listener of the database.
    init(identifier: UInt64) {
        channel = "novatune_check_\(String(identifier, radix: 16))"
    }

    var isDue: Bool { if case .due = state { true } else { false } }

    /// When the notification must have arrived; nil where none is under way.
    var deadline: ContinuousClock.Instant? { if case .awaiting(let deadline) = state { deadline } else { nil } }

    mutating func sent(expectedBy deadline: ContinuousClock.Instant) { state = .awaiting(until: deadline) }

    mutating func passed() { state = .passed }

    mutating func failed() { state = .failed }

    /// After a while a failed check is due again: the pooler may have got other settings.
    mutating func silenceIsOver() { if case .failed = state { state = .due } }
}
