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
    let user: ULID
    let track: ULID
    let began: ContinuousClock.Instant
    /// Nil where the circuit is open.
    let permit: CircuitBreaker.Permit?
    /// Where the circuit is open: the moment until which it is open.
    let retryAt: ContinuousClock.Instant?
    let answer = Promise<Answer>()
    /// The value where this process has a copy of it: then the store is not asked.
    let copy: [UInt8]?

    init(
        key: String, user: ULID, track: ULID, began: ContinuousClock.Instant, _ admission: CircuitBreaker.Admission
    ) {
        self.key = key
        self.user = user
        self.track = track
        self.began = began
        copy = nil
        switch admission {
        case .admitted(let permit): (self.permit, retryAt) = (permit, nil)
        case .refused(let retryAt): (permit, self.retryAt) = (nil, retryAt)
        }
    }

    init(key: String, user: ULID, track: ULID, began: ContinuousClock.Instant, copy: [UInt8]) {
        self.key = key
        self.user = user
        self.track = track
        self.began = began
        self.copy = copy
        (permit, retryAt) = (nil, nil)
    }
}
