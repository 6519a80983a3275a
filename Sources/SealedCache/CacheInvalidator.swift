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
    ///   - prefix: the first part of each key, `prefix:userId:trackId`.
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
            try store.removeValue(forKey: keys.entry(user, track), in: keys.group(user)) ? 1 : 0
        case .user(let user): try store.removeValues(in: keys.group(user))
        case .everything: try store.removeValues(under: keys.prefix)
        }
    }
}
