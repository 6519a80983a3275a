import Cryptography
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import SealedCache

/// Copies in this process, in front of a store.
@Suite struct LocalCopiesTests {
    /// A server: its values can be looked at, and it can be away.
    private final class Server: LoopValueStore {
        let values = MemoryStore()
        var isAway = false
        private(set) var reads = 0

        func start() {}
        func close() {}

        func read(
            _ key: String, by deadline: ContinuousClock.Instant,
            whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
        ) {
            reads += 1
            whenDone(isAway ? .failure(.timedOut) : .success(values.copy(forKey: key)))
        }

        func write(
            _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
            whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
        ) {
            guard !isAway else { return whenDone(.failure(.timedOut)) }
            values.keep(value, forKey: key, in: group, timeToLive: timeToLive)
            whenDone(.success(()))
        }
    }

    private final class Outcomes {
        var all: [CacheOutcome] = []
    }

    private let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    private let track = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0C")!
    private let clock = ManualClock()
    private let server = Server()
    private let outcomes = Outcomes()
    private let writeBreaker = SharedBreaker.stayingOpen(afterFailures: 1)

    private func entry(_ seconds: Int64) -> CachedStreamURL {
        CachedStreamURL(
            presigned: PresignedURL(url: "https://h/k", expiresAt: UnixTime(seconds: seconds)),
            validators: CacheValidators(trackVersion: 1, objectKey: "k", userEpoch: 2, presignFingerprint: 3))
    }

    /// The cache of one process.
    private func cache(_ copies: MemoryStore?, key: String = "v1") throws -> LoopStreamURLCache {
        LoopStreamURLCache(
            store: server, copies: copies.map { LocalCopies($0, timeToLive: .seconds(90)) },
            sealer: try EntrySealer(try Rings.ring(current: key, [key: key == "v1" ? Rings.one : Rings.two])),
            prefix: "stream", readBreaker: .stayingOpen(afterFailures: 1),
            writeBreaker: writeBreaker, observer: { [outcomes] _ in { outcomes.all.append($0) } })
    }

    private func copies() -> MemoryStore { MemoryStore(now: { [clock] in clock.now }) }

    private nonisolated(nonsending) func found(_ cache: LoopStreamURLCache) async -> CachedStreamURL? {
        let lookup = cache.beginRead(user: user, track: track, by: .now.advanced(by: .seconds(1)))
        return try? await cache.entry(of: lookup).result.get()
    }

    @Test func writtenEntryIsReadFromTheCopy() async throws {
        let cache = try cache(copies())
        cache.write(entry(1), user: user, track: track, timeToLive: .seconds(90))
        #expect(await found(cache) == entry(1) && server.reads == 0)
        #expect(outcomes.all.last?.isFromCopy == true && outcomes.all.last?.result == .hit)
    }

    @Test func entryOfAnotherProcessIsReadFromTheServerOnce() async throws {
        try cache(nil).write(entry(1), user: user, track: track, timeToLive: .seconds(90))
        let cache = try cache(copies())
        #expect(await found(cache) == entry(1) && server.reads == 1)
        #expect(outcomes.all.last?.isFromCopy == false)
        #expect(await found(cache) == entry(1) && server.reads == 1)
    }

    @Test func copyEndsWithItsTimeToLiveAndReadingDoesNotExtendIt() async throws {
        let cache = try cache(copies())
        cache.write(entry(1), user: user, track: track, timeToLive: .seconds(60))
        clock.advance(by: .seconds(59))
        #expect(await found(cache) == entry(1) && server.reads == 0)
        clock.advance(by: .seconds(1))
        _ = await found(cache)
        #expect(server.reads == 1)
    }

    @Test func copiesServeWhileTheServerIsAway() async throws {
        let cache = try cache(copies())
        server.isAway = true
        // The first write opens the circuit, and the second one still leaves a copy.
        for seconds in [1, 2] as [Int64] {
            cache.write(entry(seconds), user: user, track: track, timeToLive: .seconds(90))
            #expect(await found(cache) == entry(seconds))
        }
        #expect(writeBreaker.state == .open && server.reads == 0)
        #expect(outcomes.all.contains { $0.operation == .write && !$0.wasAttempted })
    }

    @Test func newEntryReplacesTheCopy() async throws {
        let cache = try cache(copies())
        for seconds in [1, 2] as [Int64] {
            cache.write(entry(seconds), user: user, track: track, timeToLive: .seconds(90))
        }
        #expect(await found(cache) == entry(2))
    }

    @Test func copyThatDoesNotOpenIsDropped() async throws {
        let copies = copies()
        let cache = try cache(copies)
        cache.write(entry(1), user: user, track: track, timeToLive: .seconds(90))
        cache.sealer = try EntrySealer(try Rings.ring(current: "v2", ["v2": Rings.two]))
        #expect(await found(cache) == nil && copies.usage.entries == 0)
        #expect(outcomes.all.last?.result == .rejected(.unknownKeyVersion))
    }

    @Test func otherUsersEntryIsNoCopyOfThisOne() async throws {
        let cache = try cache(copies())
        cache.write(entry(1), user: track, track: track, timeToLive: .seconds(90))
        #expect(await found(cache) == nil && server.reads == 1)
    }

    @Test func copiesAreKeptSealed() throws {
        let copies = copies()
        try cache(copies).write(entry(1), user: user, track: track, timeToLive: .seconds(90))
        let value = try #require(copies.copy(forKey: "stream:\(user):\(track)"))
        #expect(value == server.values.copy(forKey: "stream:\(user):\(track)"))
        #expect(!String(decoding: value, as: UTF8.self).contains("https"))
    }
}
