public import Cryptography
public import Resilience
public import StreamIssuing

/// What happens in the cache, for those who count and log.
public protocol CacheObserver: Sendable {
    /// An entry was sealed and stored.
    func stored(track: ULID, expiresAt: UnixTime, keyVersion: KeyRing.Version)
    func valueDidNotOpen(_ failure: EntrySealer.OpenFailure)
    func storeFailed(_ error: ValueStoreError)
}

/// Stream URLs, sealed, in a value store. Whatever goes wrong is a miss.
public final class SealedStreamURLCache: StreamURLCache {
    private let store: any ValueStore
    /// May be replaced between two requests.
    public var sealer: EntrySealer
    private let keys: CacheKeys
    private let observer: any CacheObserver
    private let breaker: SharedBreaker
    public private(set) var lastFailure: Unavailable?

    /// - Parameters:
    ///   - prefix: the first part of each key, `prefix:userId:trackId`.
    ///   - breaker: shared by all caches on this store. While it is open, reads are misses and nothing is written, at no cost.
    public init(store: any ValueStore, sealer: EntrySealer, prefix: String, breaker: SharedBreaker, observer: any CacheObserver) {
        self.store = store
        self.sealer = sealer
        keys = CacheKeys(prefix: prefix)
        self.breaker = breaker
        self.observer = observer
    }

    public func read(user: ULID, track: ULID) -> CachedStreamURL? {
        let key = keys.entry(user, track)
        let value = withStore { (store) throws(ValueStoreError) in try store.value(forKey: key) }
        guard let value = value ?? nil else { return nil }
        return open(value, under: key)
    }

    public func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let key = keys.entry(user, track)
        let value: [UInt8]
        do {
            value = try sealer.seal(EntryCoding.encode(entry), under: key)
        } catch {
            lastFailure = Unavailable(.cache, code: "seal", reason: error.description)
            observer.storeFailed(ValueStoreError(code: "seal", reason: error.description))
            return
        }
        let isStored: Void? = withStore { (store) throws(ValueStoreError) in
            try store.setValue(value, forKey: key, in: keys.group(user), timeToLive: timeToLive)
        }
        if isStored != nil { observer.stored(track: track, expiresAt: entry.presigned.expiresAt, keyVersion: sealer.currentVersion) }
    }

    /// Nil where the store failed or is left alone.
    @discardableResult
    private func withStore<Result>(_ body: (any ValueStore) throws(ValueStoreError) -> Result) -> Result? {
        switch breaker.admit() {
        case .refused(let retryAt):
            lastFailure = .leftAlone(.cache, for: ContinuousClock.now.duration(to: retryAt))
            return nil
        case .admitted(let permit):
            do {
                let result = try body(store)
                breaker.succeeded(permit)
                lastFailure = nil
                return result
            } catch {
                breaker.failed(permit)
                lastFailure = Unavailable(.cache, code: error.code, reason: error.reason)
                observer.storeFailed(error)
                return nil
            }
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
