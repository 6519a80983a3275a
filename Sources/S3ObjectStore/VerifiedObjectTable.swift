import Cryptography
import StreamIssuing

/// What was found in the store lately, by track: a value.
///
/// Bounded: two generations of at most half the capacity each. When the younger is full it becomes the older, and what was not asked for
/// in the meantime is forgotten.
struct VerifiedObjectTable {
    /// Which object a track's version leads to. A digest, so that no key is kept.
    struct Object: Equatable {
        let keyDigest: Digest256
        let version: Int64
    }

    /// When invalidations were last counted; what a look-up brings from before a later one is not remembered.
    struct Epoch: Equatable {
        fileprivate let invalidations: UInt64
    }

    private struct Entry {
        let object: Object
        let verifiedAt: ContinuousClock.Instant
    }

    private let generationCapacity: Int
    private let lifetime: Duration
    private var young: [ULID: Entry] = [:]
    private var old: [ULID: Entry] = [:]
    private var invalidations: UInt64 = 0

    /// - Parameters:
    ///   - capacity: tracks, 2 or more.
    ///   - lifetime: from the moment of the look-up; being asked for does not extend it.
    init(capacity: Int, lifetime: Duration) {
        generationCapacity = max(1, capacity / 2)
        self.lifetime = lifetime
    }

    /// Never more than the capacity.
    var count: Int { young.count + old.count }

    var epoch: Epoch { Epoch(invalidations: invalidations) }

    mutating func contains(_ object: Object, of track: ULID, at now: ContinuousClock.Instant) -> Bool {
        if let entry = young[track] { return isGood(entry, object, now) }
        guard let entry = old[track], isGood(entry, object, now) else { return false }
        store(entry, track)
        return true
    }

    /// - Parameters:
    ///   - verifiedAt: when the look-up began.
    ///   - epoch: as it was then.
    mutating func remember(_ object: Object, of track: ULID, verifiedAt: ContinuousClock.Instant, since epoch: Epoch) {
        guard epoch == self.epoch else { return }
        store(Entry(object: object, verifiedAt: verifiedAt), track)
    }

    /// What an invalidation makes doubtful; one of a user says nothing about objects.
    mutating func forget(_ scope: Invalidation.Scope) {
        switch scope {
        case .track(_, let track): forget(track)
        case .user: return
        case .everything: (young, old) = ([:], [:])
        }
        invalidations += 1
    }

    mutating func forget(_ track: ULID) {
        young[track] = nil
        old[track] = nil
    }

    private func isGood(_ entry: Entry, _ object: Object, _ now: ContinuousClock.Instant) -> Bool {
        entry.object == object && entry.verifiedAt.duration(to: now) < lifetime
    }

    private mutating func store(_ entry: Entry, _ track: ULID) {
        old[track] = nil
        if young[track] == nil, young.count >= generationCapacity { (old, young) = (young, [:]) }
        young[track] = entry
    }
}
