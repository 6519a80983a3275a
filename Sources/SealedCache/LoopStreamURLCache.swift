import EventLoop
public import Resilience
public import StreamIssuing

/// Sealed stream URLs in the value store of one event loop. Every failure is a miss.
///
/// Reads and writes have separate breakers: a server that accepts no writes, such as a replica, still answers reads.
///
/// In front of a server there may be copies in this process. They are as safe as the server's values: an entry is used
/// only where its validators equal what the database says now. They serve also while the server is away.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
public final class LoopStreamURLCache: StreamURLCache, @unchecked Sendable {
    private let store: any LoopValueStore
    private let copies: LocalCopies?
    private var entries: SealedEntries
    private let readBreaker: SharedBreaker
    private let writeBreaker: SharedBreaker
    private let now: () -> ContinuousClock.Instant
    private let observer: (CacheOutcome.Operation) -> (CacheOutcome) -> Void

    /// - Parameters:
    ///   - copies: in front of the store; nil for none.
    ///   - prefix: the first part of each key, as `CacheKeys` has them.
    ///   - readBreaker: shared by the caches of all loops on this store. While it is open, reads are misses at no cost.
    ///   - writeBreaker: the same for writes.
    ///   - observer: called in the task of the request that reads or writes. It returns a function that is called with
    ///     the outcome, on the loop's thread; for a write perhaps after the task's end.
    public init(
        store: any LoopValueStore, copies: LocalCopies? = nil, sealer: EntrySealer, prefix: String,
        readBreaker: SharedBreaker, writeBreaker: SharedBreaker,
        now: @escaping () -> ContinuousClock.Instant = { .now },
        observer: @escaping (CacheOutcome.Operation) -> (CacheOutcome) -> Void
    ) {
        self.store = store
        self.copies = copies
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
    public func beginRead(
        user: ULID, track: ULID, part: TrackPart = .audio, by deadline: ContinuousClock.Instant
    ) -> CacheLookup {
        let key = entries.keys.entry(user, track, part)
        if let copy = copies?.value(forKey: key) {
            return CacheLookup(key: key, user: user, track: track, began: now(), copy: copy)
        }
        let lookup = CacheLookup(key: key, user: user, track: track, began: now(), readBreaker.admit())
        if lookup.permit != nil {
            store.read(lookup.key, by: deadline) { [now] value in
                lookup.answer.keep(CacheLookup.Answer(value: value, ended: now()))
            }
        }
        return lookup
    }

    /// Waits for the read's end, and records its result. Call it once for each lookup.
    public nonisolated(nonsending) func entry(of lookup: CacheLookup) async -> CallOutcome<CachedStreamURL?> {
        if let copy = lookup.copy { return opened(copy, lookup, ended: lookup.began) }
        guard let permit = lookup.permit else {
            return finish(lookup, .circuitOpen(retryAt: lookup.retryAt ?? lookup.began), nil, ended: lookup.began)
        }
        let answer = await lookup.answer.value()
        settle(readBreaker, permit, answer.value)
        switch answer.value {
        case .failure(let error): return finish(lookup, .failed(error), nil, ended: answer.ended)
        case .success(nil): return finish(lookup, .miss, nil, ended: answer.ended)
        case .success(let value?): return opened(value, lookup, ended: answer.ended)
        }
    }

    private func opened(_ value: [UInt8], _ lookup: CacheLookup, ended: ContinuousClock.Instant)
        -> CallOutcome<CachedStreamURL?>
    {
        let entry: CachedStreamURL
        do throws(EntrySealer.OpenFailure) {
            entry = try entries.open(value, under: lookup.key)
        } catch {
            if lookup.copy != nil { copies?.remove(lookup.key) }
            return finish(lookup, .rejected(error), nil, ended: ended)
        }
        if lookup.copy == nil { copies?.keep(value, forKey: lookup.key, in: entries.keys.group(lookup.user)) }
        return finish(lookup, .hit, entry, ended: ended)
    }

    private func finish(
        _ lookup: CacheLookup, _ result: CacheOutcome.Result, _ entry: CachedStreamURL?, ended: ContinuousClock.Instant
    ) -> CallOutcome<CachedStreamURL?> {
        let outcome = CacheOutcome(
            operation: .read, track: lookup.track, result: result, isFromCopy: lookup.copy != nil, began: lookup.began,
            ended: ended)
        observer(.read)(outcome)
        return CallOutcome(outcome.failure.map { .failure($0) } ?? .success(entry), began: lookup.began, ended: ended)
    }

    /// Seals now, writes later: no request waits for it.
    /// - Parameter timeToLive: at least 1 s; a read does not extend it.
    public func write(
        _ entry: CachedStreamURL, user: ULID, track: ULID, part: TrackPart = .audio, timeToLive: Duration
    ) {
        let began = now()
        let observe = observer(.write)
        func finish(_ result: CacheOutcome.Result) {
            observe(CacheOutcome(operation: .write, track: track, result: result, began: began, ended: now()))
        }
        let admission = writeBreaker.admit()
        // Without a copy to keep there is nothing to seal for while the circuit is open.
        if case .refused(let retryAt) = admission, copies == nil { return finish(.circuitOpen(retryAt: retryAt)) }
        let (key, group) = (entries.keys.entry(user, track, part), entries.keys.group(user))
        let keyVersion = sealer.currentVersion
        let value: [UInt8]
        do throws(ValueStoreError) {
            value = try entries.seal(entry, under: key)
        } catch {
            if case .admitted(let permit) = admission { writeBreaker.abandoned(permit) }
            return finish(.failed(error))
        }
        copies?.keep(value, forKey: key, in: group, timeToLive: timeToLive)
        let permit: CircuitBreaker.Permit
        switch admission {
        case .refused(let retryAt): return finish(.circuitOpen(retryAt: retryAt))
        case .admitted(let admitted): permit = admitted
        }
        store.write(value, forKey: key, in: group, timeToLive: timeToLive) { [self] answer in
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

    private func settle<Value>(
        _ breaker: SharedBreaker, _ permit: CircuitBreaker.Permit, _ answer: Result<Value, ValueStoreError>
    ) {
        switch answer {
        case .success: breaker.succeeded(permit)
        case .failure(let error): if error.isOfServer { breaker.failed(permit) } else { breaker.abandoned(permit) }
        }
    }
}
