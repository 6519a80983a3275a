import Cryptography
import Resilience
public import StreamIssuing

/// Objects that were recently found in the store, identified by track, part, version and the digest of the key, for all users
/// and all loops: a URL for them is issued without calling the store again. Its lock is held for one access to a table.
public final class VerifiedObjects: Sendable {
    public static let defaultCapacity = 100_000
    public static let defaultLifetime: Duration = .seconds(600)

    private let table: Locked<VerifiedObjectTable>

    /// - Parameters:
    ///   - capacity: objects. Default 100,000, which take about 30 MB.
    ///   - lifetime: how long a look-up is valid. Default 10 minutes.
    public init(capacity: Int = VerifiedObjects.defaultCapacity, lifetime: Duration = VerifiedObjects.defaultLifetime) {
        table = Locked(VerifiedObjectTable(capacity: capacity, lifetime: lifetime))
    }

    public var count: Int { table.withLock { $0.count } }

    /// From any thread.
    public func forget(_ scope: Invalidation.Scope) { table.withLock { $0.forget(scope) } }

    func forget(_ track: ULID) { table.withLock { $0.forget(track) } }

    /// Nil where the object is remembered; else the epoch to remember it with.
    func epochUnlessContained(
        _ object: VerifiedObjectTable.Object, of track: ULID, at now: ContinuousClock.Instant
    ) -> VerifiedObjectTable.Epoch? {
        table.withLock { $0.contains(object, of: track, at: now) ? nil : $0.epoch }
    }

    func remember(
        _ object: VerifiedObjectTable.Object, of track: ULID, verifiedAt: ContinuousClock.Instant,
        since epoch: VerifiedObjectTable.Epoch
    ) {
        table.withLock { $0.remember(object, of: track, verifiedAt: verifiedAt, since: epoch) }
    }
}
