/// Each user's recent requests, so that a request that nginx will refuse costs no work.
///
/// A user who is named in several ways, by the ULID and by identities, counts as several: which user an identity is of
/// is known only when the database has answered, and nginx counts by that.
///
/// nginx decides, after the answer. This counts as nginx does. Beyond nginx's limit it admits one more request for each
/// that leaves the bucket: clocks and order of arrival differ a little between the two.
///
/// Bounded: two generations of at most `capacity` users each. When the younger one is full it becomes the older one,
/// and a user without a request in the meantime starts with an empty bucket.
public struct AllowanceTracker: Sendable {
    public enum Admission: Sendable, Equatable {
        /// nginx will let it pass, as far as is known here.
        case counted
        /// nginx will refuse it, unless the two differ a little.
        case doubtful
        /// The user is clearly over the limit.
        case refused
    }

    public static let defaultCapacity = 16_384
    /// Thousandths of a request.
    private static let one: Int64 = 1000

    private struct Bucket {
        /// Thousandths of a request beyond the last one; below zero where the last one was taken back.
        var excess: Int64 = 0
        var lastMilliseconds: Int64
        /// When a request was admitted in doubt.
        var doubtfulMilliseconds: Int64?
        /// Two nginx instances with different limits may use one responder.
        let limit: RateLimit
    }

    private let capacity: Int
    private var young: [UserReference: Bucket] = [:]
    private var old: [UserReference: Bucket] = [:]

    public init(capacity: Int = AllowanceTracker.defaultCapacity) {
        self.capacity = max(1, capacity)
    }

    /// Users that it knows; never more than twice the capacity.
    public var count: Int { young.count + old.count }

    /// Counts one more request where nginx would.
    /// - Parameter milliseconds: of any clock that does not jump.
    public mutating func admit(_ user: UserReference, _ limit: RateLimit, at milliseconds: Int64) -> Admission {
        guard var bucket = take(user), bucket.limit == limit else {
            store(Bucket(lastMilliseconds: milliseconds, limit: limit), user)
            return .counted
        }
        let admission = Self.admit(&bucket, at: milliseconds)
        store(bucket, user)
        return admission
    }

    /// Takes back a request that was counted: nginx does not count it where its answer names no user.
    public mutating func forgive(_ user: UserReference) {
        guard var bucket = take(user) else { return }
        bucket.excess = max(-Self.one, bucket.excess - Self.one)
        store(bucket, user)
    }

    /// `ngx_http_limit_req_lookup`, which does not count what it refuses.
    private static func admit(_ bucket: inout Bucket, at milliseconds: Int64) -> Admission {
        let passed = max(0, milliseconds - bucket.lastMilliseconds)
        let excess = max(0, bucket.excess - bucket.limit.outflow * passed / 1000 + one)
        if excess <= bucket.limit.burst {
            bucket.excess = excess
            if passed > 0 { bucket.lastMilliseconds = milliseconds }
            return .counted
        }
        if let last = bucket.doubtfulMilliseconds, bucket.limit.outflow * max(0, milliseconds - last) / 1000 < one {
            return .refused
        }
        bucket.doubtfulMilliseconds = milliseconds
        return .doubtful
    }

    private mutating func take(_ user: UserReference) -> Bucket? {
        young[user] ?? old.removeValue(forKey: user)
    }

    private mutating func store(_ bucket: Bucket, _ user: UserReference) {
        if young.count >= capacity, young[user] == nil {
            old = young
            young = [:]
        }
        young[user] = bucket
    }
}
