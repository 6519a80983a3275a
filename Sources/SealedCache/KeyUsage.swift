public import Cryptography
import Resilience
import Synchronization

/// How often each key has sealed. With random nonces, a key must not seal more than 2³² values (NIST SP 800-38D §8.3),
/// and all responders share a cache key: so the store that they share adds up their counts.
public final class KeyUsage: Sendable {
    /// A key that reaches it seals no more: values are then not cached.
    public static let limit: Int64 = 1 << 32
    /// Half of the limit: time to rotate the key.
    public static let warningLevel: Int64 = 1 << 31

    /// One key's counts.
    public struct Figures: Sendable, Equatable {
        public let version: KeyRing.Version
        /// By this process.
        public let own: Int64
        /// By all processes that share the store, as far as is known.
        public let total: Int64
    }

    private let counts = Locked<[String: SealCount]>([:])
    private let limit: Int64

    public init() { limit = Self.limit }

    init(limit: Int64) { self.limit = limit }

    /// Every key that has been current since the process began.
    public var figures: [Figures] {
        counts.withLock { $0 }.values.map { Figures(version: $0.version, own: $0.own, total: $0.total) }.sorted {
            $0.version < $1.version
        }
    }

    func count(of key: SymmetricKey, version: KeyRing.Version) throws(CryptographyError) -> SealCount {
        let fingerprint = try key.fingerprint()
        return counts.withLock { counts in
            if let count = counts[fingerprint] { return count }
            let count = SealCount(version: version, limit: limit)
            counts[fingerprint] = count
            return count
        }
    }

    /// Adds this process's new seals to the shared counts, and reads those of the others.
    /// - Parameter prefix: of the cache's keys.
    public func share(through store: any ValueStore, prefix: String) throws(ValueStoreError) {
        for (fingerprint, count) in counts.withLock({ $0 }) {
            try count.share { (amount) throws(ValueStoreError) in
                try store.add(amount, toCounter: Self.counter(fingerprint, prefix: prefix))
            }
        }
    }

    /// How often all processes that share the store have sealed with a key.
    public static func total(of key: SymmetricKey, in store: any ValueStore, prefix: String) throws(ValueStoreError)
        -> Int64
    {
        let fingerprint: String
        do { fingerprint = try key.fingerprint() } catch {
            throw ValueStoreError(code: "fingerprint", reason: "\(error)")
        }
        return max(0, try store.add(0, toCounter: counter(fingerprint, prefix: prefix)))
    }

    /// A counter that no key has, to try whether counters work.
    public static func probeCounter(under prefix: String) -> String { counter("probe", prefix: prefix) }

    /// Beside the entries' own prefix, so that removing entries does not change the counters.
    private static func counter(_ fingerprint: String, prefix: String) -> String { "\(prefix)-seals:\(fingerprint)" }
}

/// How often one key has sealed.
final class SealCount: Sendable {
    let version: KeyRing.Version
    private let limit: Int64
    private let ownSeals = Atomic<Int64>(0)
    /// The part of the own count that the shared count includes.
    private let shared = Atomic<Int64>(0)
    /// The shared total at the last exchange, up to the limit, beyond which it makes no difference.
    private let known = Atomic<Int64>(0)

    init(version: KeyRing.Version, limit: Int64) {
        self.version = version
        self.limit = limit
    }

    var own: Int64 { ownSeals.load(ordering: .relaxed) }
    var total: Int64 { known.load(ordering: .relaxed) + own - shared.load(ordering: .relaxed) }

    /// Counts one more seal; false where there may be none.
    func tryRecordInvocation() -> Bool {
        guard total < limit else { return false }
        ownSeals.add(1, ordering: .relaxed)
        return true
    }

    /// For one thread at a time.
    /// - Parameter add: raises the shared count and returns the sum: any number, because others can write it, too.
    func share(_ add: (Int64) throws(ValueStoreError) -> Int64) throws(ValueStoreError) {
        let unshared = own - shared.load(ordering: .relaxed)
        var sum = try add(unshared)
        let expected = known.load(ordering: .relaxed) + unshared
        // The store lost the count: it was emptied, or evicted the counter. Processes that restore it concurrently make
        // it too high, which is safe.
        if sum < expected {
            let (missing, isTooMuch) = expected.subtractingReportingOverflow(sum)
            sum = try add(isTooMuch ? .max : missing)
        }
        shared.add(unshared, ordering: .relaxed)
        known.store(min(max(sum, expected), limit), ordering: .relaxed)
    }
}
