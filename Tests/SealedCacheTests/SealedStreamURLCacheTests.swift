import Cryptography
import Resilience
@testable import SealedCache
import StreamIssuing
import TestSupport
import Testing

@Suite struct SealedStreamURLCacheTests {
    private final class Observer: CacheObserver {
        private let seen = Locked<[String]>([])
        var events: [String] { seen.withLock { $0 } }
        func stored(track: ULID, expiresAt: UnixTime, keyVersion: KeyRing.Version) {}
        func valueDidNotOpen(_ failure: EntrySealer.OpenFailure) { seen.withLock { $0.append(failure.rawValue) } }
        func storeFailed(_ error: ValueStoreError) { seen.withLock { $0.append(error.code) } }
    }

    /// A store that is down, until it is mended.
    private final class BrokenStore: ValueStore {
        private let failure = ValueStoreError(code: "connect", reason: "down")
        var calls = 0
        var isMended = false
        func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
            calls += 1
            if isMended { return nil }
            throw failure
        }
        func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) throws(ValueStoreError) {
            calls += 1
            if !isMended { throw failure }
        }
        func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool { throw failure }
        func removeValues(in group: String) throws(ValueStoreError) -> Int { throw failure }
        func removeValues(under prefix: String) throws(ValueStoreError) -> Int { throw failure }
        func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 { throw failure }
        func ping() throws(ValueStoreError) { throw failure }
    }

    private let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    private let track = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!
    private let entry = CachedStreamURL(
        presigned: PresignedURL(url: "https://h/k", expiresAt: UnixTime(seconds: 1)),
        stamp: Stamp(trackVersion: 1, objectKey: "k", userEpoch: 2, presignFingerprint: 3))
    private let observer = Observer()
    private let clock = ManualClock()

    private func cache(
        _ store: any ValueStore, _ ring: KeyRing? = nil, prefix: String = "stream", breaker: SharedBreaker = .neverOpening()
    ) throws -> SealedStreamURLCache {
        SealedStreamURLCache(
            store: store, sealer: try EntrySealer(try ring ?? Rings.ring(current: "v1", ["v1": Rings.one])), prefix: prefix,
            breaker: breaker, observer: observer)
    }

    private func memory() -> MemoryStore { MemoryStore(now: { [clock] in clock.now }) }

    @Test func writtenEntryIsReadForItsUserAndTrackOnly() throws {
        let cache = try cache(memory())
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        #expect(cache.read(user: user, track: track) == entry)
        #expect(cache.read(user: track, track: user) == nil)
        #expect(cache.read(user: user, track: user) == nil)
        #expect(observer.events == [])
    }

    @Test func entryLiesUnderPrefixUserAndTrackForItsTime() throws {
        let store = memory()
        try cache(store, prefix: "p").write(entry, user: user, track: track, timeToLive: .seconds(90))
        let key = "p:01HXK5Z8J3QW9R7N2M4P6T8V0B:01HXK5Z8J3QW9R7N2M4P6T8V0C"
        #expect(try store.value(forKey: key) != nil)
        clock.advance(by: .seconds(90))
        #expect(try store.value(forKey: key) == nil)
    }

    @Test func entryCopiedToAnotherUsersKeyIsAMissAndCounted() throws {
        let store = memory()
        let cache = try cache(store)
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        let value = try #require(try store.value(forKey: "stream:\(user):\(track)"))
        try store.setValue(value, forKey: "stream:\(track):\(track)", in: "g", timeToLive: .seconds(90))
        #expect(cache.read(user: track, track: track) == nil)
        #expect(observer.events == ["not_authentic"])
    }

    @Test(arguments: [("2", "not_authentic"), ("3", "unknown_key_version")])
    func entryRenamedToAnotherKeyVersionIsAMissAndCounted(_ version: Character, _ event: String) throws {
        let store = memory()
        let cache = try cache(store, try Rings.ring(current: "v1", ["v1": Rings.one, "v2": Rings.two]))
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        let key = "stream:\(user):\(track)"
        var value = try #require(try store.value(forKey: key))
        #expect(Array(value[2..<4]) == Array("v1".utf8))
        value[3] = try #require(version.asciiValue)
        try store.setValue(value, forKey: key, in: "stream:\(user)", timeToLive: .seconds(90))
        #expect(cache.read(user: user, track: track) == nil)
        #expect(observer.events == [event])
    }

    @Test func entryReplayedAfterItsVersionLeftTheRingIsAMissAndCounted() throws {
        let store = memory()
        let cache = try cache(store)
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        cache.sealer = try EntrySealer(try Rings.ring(current: "v2", ["v1": Rings.one, "v2": Rings.two]))
        #expect(cache.read(user: user, track: track) == entry)
        cache.sealer = try EntrySealer(try Rings.ring(current: "v2", ["v2": Rings.two]))
        #expect(cache.read(user: user, track: track) == nil)
        #expect(observer.events == ["unknown_key_version"])
    }

    @Test func garbageIsAMissAndCounted() throws {
        let store = memory()
        let cache = try cache(store)
        for (value, event) in [([], "truncated"), ([9], "unknown_format"), ([UInt8](repeating: 1, count: 99), "unknown_key_version")]
            as [([UInt8], String)]
        {
            try store.setValue(value, forKey: "stream:\(user):\(track)", in: "g", timeToLive: .seconds(90))
            #expect(cache.read(user: user, track: track) == nil)
            #expect(observer.events.last == event)
        }
    }

    @Test func sealedTextThatIsNoEntryIsAMissAndCounted() throws {
        let store = memory()
        let key = "stream:\(user):\(track)"
        let sealer = try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.one]))
        try store.setValue(try sealer.seal([1, 2, 3], under: key), forKey: key, in: "g", timeToLive: .seconds(90))
        #expect(try cache(store).read(user: user, track: track) == nil)
        #expect(observer.events == ["truncated"])
    }

    @Test func storeThatIsDownIsAMissAndCountedAndNeverAnError() throws {
        let cache = try cache(BrokenStore())
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        #expect(cache.read(user: user, track: track) == nil)
        #expect(observer.events == ["connect", "connect"])
        #expect(cache.lastFailure?.code == "connect" && cache.lastFailure?.wasAsked == true)
    }

    @Test func failureIsForgottenWithTheNextCallThatGoesWell() throws {
        let cache = try cache(memory())
        #expect(cache.read(user: user, track: track) == nil && cache.lastFailure == nil)
    }

    @Test func storeThatFailsTooOftenIsNotAskedUntilTheProbe() throws {
        let store = BrokenStore()
        let breaker = SharedBreaker(CircuitBreaker.Policy(), now: { [clock] in clock.now })
        let cache = try cache(store, breaker: breaker)
        for _ in 0..<20 { #expect(cache.read(user: user, track: track) == nil) }
        cache.write(entry, user: user, track: track, timeToLive: .seconds(90))
        #expect(store.calls == 5)
        clock.advance(by: .seconds(30))
        store.isMended = true
        for _ in 0..<3 { #expect(cache.read(user: user, track: track) == nil) }
        #expect(store.calls == 8 && breaker.state == .closed)
    }

    @Test func missIsASuccess() throws {
        let store = BrokenStore()
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 2), now: { [clock] in clock.now })
        let cache = try cache(store, breaker: breaker)
        for _ in 0..<10 {
            store.isMended = false
            _ = cache.read(user: user, track: track)
            store.isMended = true
            _ = cache.read(user: user, track: track)
        }
        #expect(store.calls == 20 && breaker.state == .closed)
    }

    @Test func valueThatDoesNotOpenIsNoFailureOfTheStore() throws {
        let store = memory()
        try store.setValue([9], forKey: "stream:\(user):\(track)", in: "g", timeToLive: .seconds(90))
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        #expect(try cache(store, breaker: breaker).read(user: user, track: track) == nil)
        #expect(breaker.state == .closed)
    }
}
