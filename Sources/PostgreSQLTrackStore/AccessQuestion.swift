import EventLoop
import Resilience
import StreamIssuing

/// A request's question to the database, from asking to its answer. For its loop's thread only.
public final class AccessQuestion: @unchecked Sendable {
    let user: UserReference
    let track: ULID
    let part: TrackPart
    /// The caller's deadline, for all attempts.
    let requestDeadline: ContinuousClock.Instant
    let began = ContinuousClock.now
    let promise: Promise<CallOutcome<AccessFacts>>
    let permit: CircuitBreaker.Permit?
    /// This attempt's deadline.
    var deadline: ContinuousClock.Instant
    var attempts = 0
    /// Whether it is sent in a group of its own, because another question's error ended its group.
    var isAlone = false
    /// Whether its failure shows that the database is unwell.
    var failureIsOfDatabase = true
    /// Whether it was sent by the name of a prepared statement.
    var usedStatementName = false

    init(
        user: UserReference, track: ULID, part: TrackPart, by requestDeadline: ContinuousClock.Instant,
        permit: CircuitBreaker.Permit?
    ) {
        self.user = user
        self.track = track
        self.part = part
        self.requestDeadline = requestDeadline
        deadline = requestDeadline
        promise = Promise()
        self.permit = permit
    }

    /// A question that is already answered.
    init(user: UserReference, track: ULID, part: TrackPart, failure: Unavailable) {
        self.user = user
        self.track = track
        self.part = part
        requestDeadline = began
        deadline = began
        promise = Promise(CallOutcome(.failure(failure), began: began, ended: began))
        permit = nil
    }
}
