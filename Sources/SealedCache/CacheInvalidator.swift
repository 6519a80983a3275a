public import StreamIssuing

/// Removes the entries that an invalidation names from a value store.
///
/// Not thread-safe, like its store.
public final class CacheInvalidator {
    private let store: any ValueStore
    private let keys: CacheKeys

    /// - Parameter prefix: the first part of each key, `prefix:userId:trackId`.
    public init(store: any ValueStore, prefix: String) {
        self.store = store
        keys = CacheKeys(prefix: prefix)
    }

    /// - Returns: how many entries there were.
    @discardableResult public func remove(_ scope: Invalidation.Scope) throws(ValueStoreError) -> Int {
        switch scope {
        case .track(let user, let track): try store.removeValue(forKey: keys.entry(user, track), in: keys.group(user)) ? 1 : 0
        case .user(let user): try store.removeValues(in: keys.group(user))
        case .everything: try store.removeValues(under: keys.prefix)
        }
    }
}
