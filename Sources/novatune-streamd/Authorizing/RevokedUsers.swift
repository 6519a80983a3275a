import Cryptography
import PostgreSQLTrackStore
import Resilience
import SigV4
import StoreAuthorization

/// The list of revocations that decisions go by, and for how long each has been known. For one thread, but `current`.
final class RevokedUsers: @unchecked Sendable {
    /// Of the list, in rows of up to 127 bytes of an object's key, of which a longer one counts as more. With two keys in
    /// the ring it fits into the memory that the systemd unit allows.
    static let limit: Int64 = 100_000
    /// How far a store lets a signer's clock be ahead.
    private static let clockSkew: Duration = .seconds(900)

    private struct Published: Sendable {
        var refused: RefusedUsers
        var readAt: ContinuousClock.Instant?
    }

    private struct Known {
        let revocation: UserRevocation
        let since: ContinuousClock.Instant
        /// The user under each key: computed once.
        let marked: [String]
    }

    private let maximumAge: Duration
    /// After so long no URL is left that a revocation is about.
    private let retention: Duration
    private let published: Locked<Published>
    private var markers: [UserMarker]
    private var known: [Int64: Known] = [:]
    /// The former list, until the next reading: a decision that still reads it must not be the one that frees it.
    private var retired: RefusedUsers?

    /// - Parameter expiry: how long URLs live.
    init(_ ring: KeyRing, expiry: Duration, maximumAge: Duration) throws(CryptographyError) {
        markers = try Self.markers(ring)
        retention = expiry + Self.clockSkew
        self.maximumAge = maximumAge
        published = Locked(Published(refused: RefusedUsers(keyNames: []), readAt: nil))
    }

    // MARK: From any thread

    /// Nil where the list is older than its limit.
    var current: RefusedUsers? {
        published.withLock { published in
            guard let readAt = published.readAt, readAt.duration(to: .now) <= maximumAge else { return nil }
            return published.refused
        }
    }

    /// Since the last reading; nil where there is none that counts.
    var age: Duration? { published.withLock { $0.readAt }?.duration(to: .now) }

    var count: Int { published.withLock { $0.refused.count } }

    // MARK: From one thread

    /// - Parameter now: when the reading began.
    func take(_ reading: UserRevocationList.Reading, at now: ContinuousClock.Instant) {
        retired = nil
        switch reading {
        // It would say that no user is revoked, or not of all who are.
        case .notRecorded, .tooLong: published.withLock { $0.readAt = nil }
        case .unchanged: published.withLock { $0.readAt = now }
        case .rows(let rows):
            let former = known
            known = Dictionary(
                uniqueKeysWithValues: rows.map { row in
                    // After a failover or a restore another row may have its position.
                    let same = former[row.position].flatMap { $0.revocation == row ? $0 : nil }
                    return (row.position, same ?? Known(revocation: row, since: now, marked: marked(row.user)))
                })
            publish(at: now)
        }
    }

    /// Rows that no URL is left of. Their commit came before they were known.
    func outdated(at now: ContinuousClock.Instant) -> [Int64] {
        known.filter { $0.value.since.duration(to: now) > retention }.map(\.key)
    }

    func use(_ ring: KeyRing) throws(CryptographyError) {
        markers = try Self.markers(ring)
        known = known.mapValues {
            Known(revocation: $0.revocation, since: $0.since, marked: marked($0.revocation.user))
        }
        if let readAt = published.withLock({ $0.readAt }) { publish(at: readAt) }
    }

    private func publish(at readAt: ContinuousClock.Instant) {
        var refused = RefusedUsers(keyNames: Set(markers.map(\.keyName)))
        for row in known.values {
            for user in row.marked {
                switch row.revocation.extent {
                case .sessions(let epoch): refused.refuse(user, upTo: epoch)
                case .object(let key): refused.refuse(user, object: key)
                }
            }
        }
        let fresh = Published(refused: refused, readAt: readAt)
        // Decisions wait for the lock: what it held is freed later.
        retired = published.withLock { published in
            defer { published = fresh }
            return published.refused
        }
    }

    private func marked(_ user: String) -> [String] { markers.map { $0.user(user) } }

    private static func markers(_ ring: KeyRing) throws(CryptographyError) -> [UserMarker] {
        try ring.keys.values.map { (key) throws(CryptographyError) in try UserMarker(key) }
    }
}
