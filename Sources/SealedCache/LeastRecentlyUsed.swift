/// A dictionary whose entries are also in two doubly linked lists: all, from the most to the least recently used, and
/// those
/// of a group.
struct LeastRecentlyUsed {
    private struct Entry {
        var key: String
        var group: String
        var value: [UInt8]
        var expiresAt: ContinuousClock.Instant
        var newer = none
        var older = none
        var nextInGroup = none
        var previousInGroup = none

        var size: Int { key.utf8.count + group.utf8.count + value.count + MemoryStore.overheadInBytes }
    }

    private static let none = -1

    private let limits: MemoryStore.Limits
    private var positions: [String: Int] = [:]
    /// The first of each group.
    private var groups: [String: Int] = [:]
    private var entries: [Entry] = []
    private var free: [Int] = []
    private var newest = none
    private var oldest = none
    private(set) var bytes = 0

    init(_ limits: MemoryStore.Limits) { self.limits = limits }

    var count: Int { positions.count }
    var groupCount: Int { groups.count }

    mutating func value(forKey key: String, at instant: ContinuousClock.Instant) -> [UInt8]? {
        guard let position = positions[key] else { return nil }
        guard instant < entries[position].expiresAt else {
            remove(at: position)
            return nil
        }
        if position != newest {
            unlink(position)
            linkAsNewest(position)
        }
        return entries[position].value
    }

    mutating func set(
        _ value: [UInt8], forKey key: String, in group: String, expiringAt expiry: ContinuousClock.Instant
    ) {
        remove(key)
        let entry = Entry(key: key, group: group, value: value, expiresAt: expiry)
        guard entry.size <= limits.bytes else { return }
        while oldest != Self.none, count >= limits.entries || bytes + entry.size > limits.bytes { remove(at: oldest) }
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
        linkInGroup(position)
    }

    /// - Returns: whether there was one.
    @discardableResult mutating func remove(_ key: String) -> Bool {
        guard let position = positions[key] else { return false }
        remove(at: position)
        return true
    }

    /// - Returns: how many there were.
    mutating func remove(group: String) -> Int {
        var removed = 0
        while let position = groups[group] {
            remove(at: position)
            removed += 1
        }
        return removed
    }

    /// - Returns: how many there were.
    mutating func remove(under prefix: String) -> Int {
        let start = prefix + ":"
        let found = positions.filter { $0.key.utf8.starts(with: start.utf8) }
        for position in found.values { remove(at: position) }
        return found.count
    }

    private mutating func remove(at position: Int) {
        positions[entries[position].key] = nil
        unlink(position)
        unlinkFromGroup(position)
        bytes -= entries[position].size
        entries[position].key = ""
        entries[position].group = ""
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

    private mutating func linkInGroup(_ position: Int) {
        let next = groups[entries[position].group] ?? Self.none
        entries[position].nextInGroup = next
        entries[position].previousInGroup = Self.none
        if next != Self.none { entries[next].previousInGroup = position }
        groups[entries[position].group] = position
    }

    private mutating func unlinkFromGroup(_ position: Int) {
        let (next, previous) = (entries[position].nextInGroup, entries[position].previousInGroup)
        if next != Self.none { entries[next].previousInGroup = previous }
        if previous != Self.none {
            entries[previous].nextInGroup = next
        } else {
            groups[entries[position].group] = next == Self.none ? nil : next
        }
    }
}
