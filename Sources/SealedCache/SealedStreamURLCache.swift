import Cryptography
public import StreamIssuing

/// What happens in the cache, for those who count and log.
public protocol CacheObserver: Sendable {
    func valueDidNotOpen(_ failure: EntrySealer.OpenFailure)
    func storeFailed(_ error: ValueStoreError)
}

/// Stream URLs, sealed, in a value store. Whatever goes wrong is a miss.
public final class SealedStreamURLCache: StreamURLCache {
    private let store: any ValueStore
    private let sealer: EntrySealer
    private let keys: CacheKeys
    private let observer: any CacheObserver

    /// - Parameter prefix: the first part of each key, `prefix:userId:trackId`.
    public init(store: any ValueStore, sealer: EntrySealer, prefix: String, observer: any CacheObserver) {
        self.store = store
        self.sealer = sealer
        keys = CacheKeys(prefix: prefix)
        self.observer = observer
    }

    public func read(user: ULID, track: ULID) -> CachedStreamURL? {
        let key = keys.entry(user, track)
        do {
            guard let value = try store.value(forKey: key) else { return nil }
            return open(value, under: key)
        } catch {
            observer.storeFailed(error)
            return nil
        }
    }

    public func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let key = keys.entry(user, track)
        let value: [UInt8]
        do {
            value = try sealer.seal(EntryCoding.encode(entry), under: key)
        } catch {
            observer.storeFailed(ValueStoreError(code: "seal", reason: error.description))
            return
        }
        do {
            try store.setValue(value, forKey: key, in: keys.group(user), timeToLive: timeToLive)
        } catch {
            observer.storeFailed(error)
        }
    }

    private func open(_ value: [UInt8], under key: String) -> CachedStreamURL? {
        do {
            guard let entry = EntryCoding.decode(try sealer.open(value, under: key)) else {
                observer.valueDidNotOpen(.truncated)
                return nil
            }
            return entry
        } catch {
            observer.valueDidNotOpen(error)
            return nil
        }
    }
}
