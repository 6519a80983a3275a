import Cryptography
import StreamIssuing

/// Objects that were recently found in the store, by track and part: a value.
///
/// Bounded: two generations of at most half the capacity each. When the younger one is full it becomes the older one,
/// and objects that were not used in the meantime are forgotten.
struct VerifiedObjectTable {
    /// The object of a track's version. A digest, so that no key is kept.
    struct Object: Equatable {
        let keyDigest: Digest256
        let version: Int64
        var part: TrackPart = .audio
    }

    private struct Name: Hashable {
        let track: ULID
        let part: TrackPart
    }

    /// The count of invalidations at one moment. The result of a look-up that began before a later invalidation is not
    /// remembered.
    struct Epoch: Equatable {
        fileprivate let invalidations: UInt64
    }

    private struct Entry {
        let object: Object
        let verifiedAt: ContinuousClock.Instant
    }

    private let generationCapacity: Int
    private let lifetime: Duration
    private var young: [Name: Entry] = [:]
    private var old: [Name: Entry] = [:]
    private var invalidations: UInt64 = 0

    /// - Parameters:
    ///   - capacity: objects, 2 or more.
    ///   - lifetime: from the moment of the look-up; use does not extend it.
    init(capacity: Int, lifetime: Duration) {
        generationCapacity = max(1, capacity / 2)
        self.lifetime = lifetime
    }

    /// Never more than the capacity.
    var count: Int { young.count + old.count }

    var epoch: Epoch { Epoch(invalidations: invalidations) }

    mutating func contains(_ object: Object, of track: ULID, at now: ContinuousClock.Instant) -> Bool {
        let name = Name(track: track, part: object.part)
        if let entry = young[name] { return isGood(entry, object, now) }
        guard let entry = old[name], isGood(entry, object, now) else { return false }
        store(entry, name)
        return true
    }

    /// - Parameters:
    ///   - verifiedAt: when the look-up began.
    ///   - epoch: as it was then.
    mutating func remember(_ object: Object, of track: ULID, verifiedAt: ContinuousClock.Instant, since epoch: Epoch) {
        guard epoch == self.epoch else { return }
        store(Entry(object: object, verifiedAt: verifiedAt), Name(track: track, part: object.part))
    }

    /// Forgets the objects that an invalidation concerns; one of a user concerns no object.
    mutating func forget(_ scope: Invalidation.Scope) {
        switch scope {
        case .track(_, let track): forget(track)
        case .user: return
        case .everything: (young, old) = ([:], [:])
        }
        invalidations += 1
    }

    mutating func forget(_ track: ULID) {
        for part in TrackPart.allCases {
            let name = Name(track: track, part: part)
            (young[name], old[name]) = (nil, nil)
        }
    }

    private func isGood(_ entry: Entry, _ object: Object, _ now: ContinuousClock.Instant) -> Bool {
        entry.object == object && entry.verifiedAt.duration(to: now) < lifetime
    }

    private mutating func store(_ entry: Entry, _ name: Name) {
        old[name] = nil
        if young[name] == nil, young.count >= generationCapacity { (old, young) = (young, [:]) }
        young[name] = entry
    }
}
