import Resilience

/// Values in the process: bounded by entries and bytes, the least recently used goes first, nothing lives past its time.
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
    static let overheadInBytes = 160

    private let contents: Locked<LeastRecentlyUsed>
    private let now: @Sendable () -> ContinuousClock.Instant

    /// - Parameter now: the clock that values expire by.
    public init(limits: Limits = Limits(), now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }) {
        contents = Locked(LeastRecentlyUsed(limits))
        self.now = now
    }

    /// Entries and bytes held now, expired ones that nobody asked for included.
    public var usage: (entries: Int, bytes: Int) { contents.withLock { ($0.count, $0.bytes) } }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
        let instant = now()
        return contents.withLock { $0.value(forKey: key, at: instant) }
    }

    public func setValue(_ value: [UInt8], forKey key: String, timeToLive: Duration) throws(ValueStoreError) {
        let expiry = now().advanced(by: timeToLive)
        contents.withLock { $0.set(value, forKey: key, expiringAt: expiry) }
    }

    public func removeValue(forKey key: String) throws(ValueStoreError) {
        contents.withLock { $0.remove(key) }
    }

    public func ping() throws(ValueStoreError) {}
}

/// A dictionary whose entries are also a doubly linked list, from the most to the least recently used.
struct LeastRecentlyUsed {
    private struct Entry {
        var key: String
        var value: [UInt8]
        var expiresAt: ContinuousClock.Instant
        var newer: Int
        var older: Int

        var size: Int { key.utf8.count + value.count + MemoryStore.overheadInBytes }
    }

    private static let none = -1

    private let limits: MemoryStore.Limits
    private var positions: [String: Int] = [:]
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var newest = none
    private var oldest = none
    private(set) var bytes = 0

    init(_ limits: MemoryStore.Limits) { self.limits = limits }

    var count: Int { positions.count }

    mutating func value(forKey key: String, at instant: ContinuousClock.Instant) -> [UInt8]? {
        guard let position = positions[key] else { return nil }
        guard instant < entries[position].expiresAt else {
            remove(key)
            return nil
        }
        if position != newest {
            unlink(position)
            linkAsNewest(position)
        }
        return entries[position].value
    }

    mutating func set(_ value: [UInt8], forKey key: String, expiringAt expiry: ContinuousClock.Instant) {
        remove(key)
        let entry = Entry(key: key, value: value, expiresAt: expiry, newer: Self.none, older: Self.none)
        guard entry.size <= limits.bytes else { return }
        while oldest != Self.none, count >= limits.entries || bytes + entry.size > limits.bytes { remove(entries[oldest].key) }
        bytes += entry.size
        let position: Int
        if let reused = free.popLast() {
            position = reused
            entries[position] = entry
        } else {
            position = entries.count
            entries.append(entry)
        }
        positions[key] = position
        linkAsNewest(position)
    }

    mutating func remove(_ key: String) {
        guard let position = positions.removeValue(forKey: key) else { return }
        unlink(position)
        bytes -= entries[position].size
        entries[position].key = ""
        entries[position].value = []
        free.append(position)
    }

    private mutating func unlink(_ position: Int) {
        let (newer, older) = (entries[position].newer, entries[position].older)
        if newer == Self.none { newest = older } else { entries[newer].older = older }
        if older == Self.none { oldest = newer } else { entries[older].newer = newer }
    }

    private mutating func linkAsNewest(_ position: Int) {
        entries[position].newer = Self.none
        entries[position].older = newest
        if newest != Self.none { entries[newest].newer = position }
        newest = position
        if oldest == Self.none { oldest = position }
    }
}
