import Cryptography
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import SealedCache

@Suite struct LoopStreamURLCacheTests {
    /// A store that answers when the test says so.
    private final class HandStore: LoopValueStore {
        var reads: [(Result<[UInt8]?, ValueStoreError>) -> Void] = []
        var writes: [(Result<Void, ValueStoreError>) -> Void] = []
        var isClosed = false
        func start() {}
        func read(
            _ key: String, by deadline: ContinuousClock.Instant,
            whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
        ) { reads.append(whenDone) }
        func write(
            _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
            whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
        ) { writes.append(whenDone) }
        func close() {
            isClosed = true
            reads.forEach { $0(.failure(.closed)) }
            writes.forEach { $0(.failure(.closed)) }
        }
    }

    private final class Outcomes {
        var all: [CacheOutcome] = []
        var results: [CacheOutcome.Result] { all.map(\.result) }
    }

    private let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    private let track = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!
    private let entry = CachedStreamURL(
        presigned: PresignedURL(url: "https://h/k", expiresAt: UnixTime(seconds: 1)),
        validators: CacheValidators(trackVersion: 1, objectKey: "k", userEpoch: 2, presignFingerprint: 3))
    private let clock = ManualClock()
    private let outcomes = Outcomes()
    private let readBreaker: SharedBreaker
    private let writeBreaker: SharedBreaker

    init() {
        readBreaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 3), now: { [clock] in clock.now })
        writeBreaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 3), now: { [clock] in clock.now })
    }

    private func cache(_ store: any LoopValueStore) throws -> LoopStreamURLCache {
        LoopStreamURLCache(
            store: store, sealer: try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.one])), prefix: "stream",
            readBreaker: readBreaker, writeBreaker: writeBreaker, now: { [clock] in clock.now },
            observer: { [outcomes] _ in { outcomes.all.append($0) } })
    }

    private func lookup(_ cache: LoopStreamURLCache, user: ULID? = nil) -> CacheLookup {
        cache.beginRead(user: user ?? self.user, track: track, by: clock.now.advanced(by: .seconds(1)))
    }

    private nonisolated(nonsending) func found(_ cache: LoopStreamURLCache, _ lookup: CacheLookup) async
        -> CachedStreamURL?
    {
        try? await cache.entry(of: lookup).result.get()
    }

    @Test func writtenEntryIsReadForItsUserOnlyAndEachOutcomeIsReported() async throws {
        let cache = try cache(LoopMemoryStore(MemoryStore()))
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        let hit = lookup(cache), miss = lookup(cache, user: track)
        #expect(await found(cache, hit) == entry)
        #expect(await found(cache, miss) == nil)
        #expect(outcomes.results == [.stored(expiresAt: UnixTime(seconds: 1), keyVersion: "v1"), .hit, .miss])
        #expect(outcomes.all.map(\.operation) == [.write, .read, .read])
        #expect(outcomes.all.allSatisfy { $0.wasAttempted && $0.failure == nil && $0.track == track })
    }

    /// One that is moved to the key of the other does not open: the key is authenticated.
    @Test func audioAndWaveformOfATrackHaveEntriesOfTheirOwn() async throws {
        let memory = MemoryStore()
        let cache = try cache(LoopMemoryStore(memory))
        func waveform() -> CacheLookup {
            cache.beginRead(user: user, track: track, part: .waveform, by: clock.now.advanced(by: .seconds(1)))
        }
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        #expect(await found(cache, waveform()) == nil)
        let key = "stream:\(user):\(track)"
        try memory.setValue(
            try #require(try memory.value(forKey: key)), forKey: key + ":waveform", in: "stream:\(user)",
            timeToLive: .seconds(90))
        #expect(await found(cache, waveform()) == nil && outcomes.results.last == .rejected(.notAuthentic))
        cache.write(entry, user: user, track: track, part: .waveform, timeToLive: .seconds(90))
        #expect(await found(cache, waveform()) == entry)
        #expect(await found(cache, lookup(cache)) == entry)
    }

    @Test func sealerMayBeReplacedWhileAReadIsUnderWay() async throws {
        let memory = MemoryStore(), hand = HandStore()
        try cache(LoopMemoryStore(memory)).write(entry, user: user, track: track, timeToLive: .seconds(90))
        let cache = try cache(hand)
        let both = lookup(cache), newOnly = lookup(cache)
        let value = try memory.value(forKey: "stream:\(user):\(track)")
        cache.sealer = try EntrySealer(try Rings.ring(current: "v2", ["v1": Rings.one, "v2": Rings.two]))
        hand.reads[0](.success(value))
        #expect(await found(cache, both) == entry)
        cache.sealer = try EntrySealer(try Rings.ring(current: "v2", ["v2": Rings.two]))
        hand.reads[1](.success(value))
        #expect(await found(cache, newOnly) == nil)
        #expect(outcomes.results.suffix(2) == [.hit, .rejected(.unknownKeyVersion)])
        #expect(outcomes.all.last?.failure == nil && readBreaker.state == .closed)
    }

    @Test func durationEndsWithTheAnswerAndNotWithTheTaskThatTakesIt() async throws {
        let hand = HandStore()
        let cache = try cache(hand)
        let lookup = lookup(cache)
        clock.advance(by: .milliseconds(3))
        hand.reads[0](.success(nil))
        clock.advance(by: .seconds(1))
        #expect(await found(cache, lookup) == nil)
        #expect(outcomes.all.last?.duration == .milliseconds(3))
    }

    @Test func breakerStaysOpenUntilTheProbeAfterRepeatedFailures() async throws {
        let hand = HandStore()
        let cache = try cache(hand)
        let lookups = (0..<3).map { _ in lookup(cache) }
        hand.reads.forEach { $0(.failure(.timedOut)) }
        for lookup in lookups { #expect(await found(cache, lookup) == nil) }
        let refused = lookup(cache)
        #expect(await found(cache, refused) == nil)
        #expect(hand.reads.count == 3 && outcomes.all.last?.wasAttempted == false)
        #expect(outcomes.all.last?.failure?.code == "breaker_open" && outcomes.all.count == 4)
        clock.advance(by: .seconds(30))
        let probe = lookup(cache)
        #expect(hand.reads.count == 4)
        hand.reads[3](.success(nil))
        #expect(await found(cache, probe) == nil)
        #expect(readBreaker.state == .closed)
    }

    @Test func missIsASuccess() async throws {
        let hand = HandStore()
        let cache = try cache(hand)
        for round in 0..<10 {
            let lookup = lookup(cache)
            hand.reads[round](round.isMultiple(of: 2) ? .success(nil) : .failure(.timedOut))
            _ = await cache.entry(of: lookup)
        }
        #expect(readBreaker.state == .closed)
    }

    @Test func writesThatFailDoNotOpenTheReadsBreaker() throws {
        let hand = HandStore()
        let cache = try cache(hand)
        for round in 0..<3 {
            cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
            hand.writes[round](.failure(.timedOut))
        }
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        #expect(writeBreaker.state == .open && readBreaker.state == .closed)
        #expect(hand.writes.count == 3 && outcomes.all.last?.wasAttempted == false)
        _ = lookup(cache)
        #expect(hand.reads.count == 1)
    }

    @Test(arguments: [ValueStoreError.connecting, .overloaded, .pastDeadline, .closed])
    func failureOutsideTheServerDoesNotOpenTheBreakers(_ error: ValueStoreError) async throws {
        let hand = HandStore()
        let cache = try cache(hand)
        for round in 0..<20 {
            let lookup = lookup(cache)
            hand.reads[round](.failure(error))
            _ = await cache.entry(of: lookup)
            cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
            hand.writes[round](.failure(error))
        }
        #expect(readBreaker.state == .closed && writeBreaker.state == .closed)
        #expect(outcomes.results.allSatisfy { $0 == .failed(error) } && outcomes.all.count == 40)
    }

    @Test func closingEndsEveryReadAndWriteThatIsUnderWay() async throws {
        let hand = HandStore()
        let cache = try cache(hand)
        let lookup = lookup(cache)
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        cache.close()
        #expect(await found(cache, lookup) == nil)
        #expect(outcomes.results.allSatisfy { $0 == .failed(.closed) } && outcomes.all.count == 2 && hand.isClosed)
    }
}
