import Resilience

/// Values in the process, bounded by entries and bytes. The least recently used is evicted first; no value outlives its
/// time to live.
public final class MemoryStore: ValueStore, Sendable {
    public struct Limits: Sendable, Equatable {
        /// At least 1; default 65,536.
        public var entries = 65_536
        /// Keys, values and `overheadInBytes` for each; default 32 MiB.
        public var bytes = 32 << 20

        public init(entries: Int = 65_536, bytes: Int = 32 << 20) {
            self.entries = entries
            self.bytes = bytes
        }
    }

    /// What an entry costs beside its key and value, counted against the limit in bytes.
    static let overheadInBytes = 240

    private let contents: Locked<LeastRecentlyUsed>
    private let counters = Locked<[String: Int64]>([:])
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the clock that values expire by.
    public init(
        limits: Limits = Limits(), now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        contents = Locked(LeastRecentlyUsed(limits))
        self.now = now
    }

    /// Entries and bytes held now, including expired ones that were not read since.
    public var usage: (entries: Int, bytes: Int) { contents.withLock { ($0.count, $0.bytes) } }

    /// Groups that hold something.
    var groupCount: Int { contents.withLock { $0.groupCount } }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? { copy(forKey: key) }

    public func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration)
        throws(ValueStoreError)
    {
        keep(value, forKey: key, in: group, timeToLive: timeToLive)
    }

    @discardableResult public func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool {
        forget(key)
    }

    @discardableResult public func removeValues(in group: String) throws(ValueStoreError) -> Int {
        contents.withLock { $0.remove(group: group) }
    }

    @discardableResult public func removeValues(under prefix: String) throws(ValueStoreError) -> Int {
        contents.withLock { $0.remove(under: prefix) }
    }

    @discardableResult public func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 {
        counters.withLock { counters in
            counters[key, default: 0] += amount
            return counters[key, default: 0]
        }
    }

    public func probe(under prefix: String) throws(ValueStoreError) {}

    // MARK: Calls that cannot fail

    func copy(forKey key: String) -> [UInt8]? {
        let instant = now()
        return contents.withLock { $0.value(forKey: key, at: instant) }
    }

    func keep(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) {
        let expiry = now().advanced(by: timeToLive)
        contents.withLock { $0.set(value, forKey: key, in: group, expiringAt: expiry) }
    }

    @discardableResult func forget(_ key: String) -> Bool { contents.withLock { $0.remove(key) } }
}
