import EventLoop
public import Resilience
public import StreamIssuing

/// Sealed stream URLs in the value store of one event loop. Every failure is a miss.
///
/// Reads and writes have separate breakers: a server that accepts no writes, such as a replica, still answers reads.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
public final class LoopStreamURLCache: StreamURLCache, @unchecked Sendable {
    private let store: any LoopValueStore
    private var entries: SealedEntries
    private let readBreaker: SharedBreaker
    private let writeBreaker: SharedBreaker
    private let now: () -> ContinuousClock.Instant
    private let observer: (CacheOutcome.Operation) -> (CacheOutcome) -> Void

    /// - Parameters:
    ///   - prefix: the first part of each key, `prefix:userId:trackId`.
    ///   - readBreaker: shared by the caches of all loops on this store. While it is open, reads are misses at no cost.
    ///   - writeBreaker: the same for writes.
    ///   - observer: called in the task of the request that reads or writes. It returns a function that is called with the outcome, on
    ///     the loop's thread; for a write perhaps after the task's end.
    public init(
        store: any LoopValueStore, sealer: EntrySealer, prefix: String, readBreaker: SharedBreaker, writeBreaker: SharedBreaker,
        now: @escaping () -> ContinuousClock.Instant = { .now }, observer: @escaping (CacheOutcome.Operation) -> (CacheOutcome) -> Void
    ) {
        self.store = store
        entries = SealedEntries(sealer: sealer, keys: CacheKeys(prefix: prefix))
        self.readBreaker = readBreaker
        self.writeBreaker = writeBreaker
        self.now = now
        self.observer = observer
    }

    /// May be replaced between two requests.
    public var sealer: EntrySealer {
        get { entries.sealer }
        set { entries.sealer = newValue }
    }

    /// Begins to read; never waits.
    public func beginRead(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) -> CacheLookup {
        let lookup = CacheLookup(key: entries.keys.entry(user, track), track: track, began: now(), readBreaker.admit())
        if lookup.permit != nil {
            store.read(lookup.key, by: deadline) { [now] value in lookup.answer.keep(CacheLookup.Answer(value: value, ended: now())) }
        }
        return lookup
    }

    /// Waits for the read's end, and records its result. Call it once for each lookup.
    public nonisolated(nonsending) func entry(of lookup: CacheLookup) async -> CallOutcome<CachedStreamURL?> {
        guard let permit = lookup.permit else {
            return finish(lookup, .circuitOpen(retryAt: lookup.retryAt ?? lookup.began), nil, ended: lookup.began)
        }
        let answer = await lookup.answer.value()
        settle(readBreaker, permit, answer.value)
        switch answer.value {
        case .failure(let error): return finish(lookup, .failed(error), nil, ended: answer.ended)
        case .success(nil): return finish(lookup, .miss, nil, ended: answer.ended)
        case .success(let value?):
            do throws(EntrySealer.OpenFailure) {
                return finish(lookup, .hit, try entries.open(value, under: lookup.key), ended: answer.ended)
            } catch {
                return finish(lookup, .rejected(error), nil, ended: answer.ended)
            }
        }
    }

    private func finish(
        _ lookup: CacheLookup, _ result: CacheOutcome.Result, _ entry: CachedStreamURL?, ended: ContinuousClock.Instant
    ) -> CallOutcome<CachedStreamURL?> {
        let outcome = CacheOutcome(operation: .read, track: lookup.track, result: result, began: lookup.began, ended: ended)
        observer(.read)(outcome)
        return CallOutcome(outcome.failure.map { .failure($0) } ?? .success(entry), began: lookup.began, ended: ended)
    }

    /// Seals now, writes later: no request waits for it.
    /// - Parameter timeToLive: at least 1 s; a read does not extend it.
    public func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let began = now()
        let observe = observer(.write)
        func finish(_ result: CacheOutcome.Result) {
            observe(CacheOutcome(operation: .write, track: track, result: result, began: began, ended: now()))
        }
        guard let permit = admit(writeBreaker, otherwise: finish) else { return }
        let key = entries.keys.entry(user, track)
        let keyVersion = sealer.currentVersion
        let value: [UInt8]
        do throws(ValueStoreError) {
            value = try entries.seal(entry, under: key)
        } catch {
            writeBreaker.abandoned(permit)
            return finish(.failed(error))
        }
        store.write(value, forKey: key, in: entries.keys.group(user), timeToLive: timeToLive) { [self] answer in
            settle(writeBreaker, permit, answer)
            switch answer {
            case .failure(let error): finish(.failed(error))
            case .success: finish(.stored(expiresAt: entry.presigned.expiresAt, keyVersion: keyVersion))
            }
        }
    }

    /// Makes connections before the first request.
    public func start() { store.start() }

    /// Ends all reads and writes that are under way.
    public func close() { store.close() }

    private func admit(_ breaker: SharedBreaker, otherwise refuse: (CacheOutcome.Result) -> Void) -> CircuitBreaker.Permit? {
        switch breaker.admit() {
        case .admitted(let permit): return permit
        case .refused(let retryAt):
            refuse(.circuitOpen(retryAt: retryAt))
            return nil
        }
    }

    private func settle<Value>(
        _ breaker: SharedBreaker, _ permit: CircuitBreaker.Permit, _ answer: Result<Value, ValueStoreError>
    ) {
        switch answer {
        case .success: breaker.succeeded(permit)
        case .failure(let error): if error.isOfServer { breaker.failed(permit) } else { breaker.abandoned(permit) }
        }
    }
}
