public import StreamIssuing

/// Removes the entries that an invalidation names from a value store, and their copies from this process.
///
/// Not thread-safe, like its store.
public final class CacheInvalidator {
    private let store: any ValueStore
    private let copies: MemoryStore?
    private let keys: CacheKeys

    /// - Parameters:
    ///   - copies: of the store's values in this process; nil where there are none.
    ///   - prefix: the first part of each key, as `CacheKeys` has them.
    public init(store: any ValueStore, copies: MemoryStore? = nil, prefix: String) {
        self.store = store
        self.copies = copies
        keys = CacheKeys(prefix: prefix)
    }

    /// The copies are removed first, and also where the store does not answer.
    /// - Returns: how many entries there were in the store.
    @discardableResult public func remove(_ scope: Invalidation.Scope) throws(ValueStoreError) -> Int {
        if let copies { try remove(scope, from: copies) }
        return try remove(scope, from: store)
    }

    @discardableResult
    private func remove(_ scope: Invalidation.Scope, from store: some ValueStore) throws(ValueStoreError) -> Int {
        switch scope {
        case .track(let user, let track):
            var removed = 0
            for part in TrackPart.allCases
            where try store.removeValue(forKey: keys.entry(user, track, part), in: keys.group(user)) { removed += 1 }
            return removed
        case .user(let user): return try store.removeValues(in: keys.group(user))
        case .everything: return try store.removeValues(under: keys.prefix)
        }
    }
}
