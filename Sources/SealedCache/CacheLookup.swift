import EventLoop
import Resilience
import StreamIssuing

/// A read under way, from its beginning to the store's answer. For the loop's thread only.
public final class CacheLookup {
    struct Answer: Sendable {
        let value: Result<[UInt8]?, ValueStoreError>
        let ended: ContinuousClock.Instant
    }

    let key: String
    let track: ULID
    let began: ContinuousClock.Instant
    /// Nil where the circuit is open.
    let permit: CircuitBreaker.Permit?
    /// Where the circuit is open: the moment until which it is open.
    let retryAt: ContinuousClock.Instant?
    let answer = Promise<Answer>()

    init(key: String, track: ULID, began: ContinuousClock.Instant, _ admission: CircuitBreaker.Admission) {
        self.key = key
        self.track = track
        self.began = began
        switch admission {
        case .admitted(let permit): (self.permit, retryAt) = (permit, nil)
        case .refused(let retryAt): (permit, self.retryAt) = (nil, retryAt)
        }
    }
}
