import StreamIssuing
import TestSupport
import Testing

@testable import SealedCache

/// What is written by the cache is found by the invalidator.
@Suite struct CacheInvalidatorTests {
    private final class Silent: CacheObserver {
        func stored(track: ULID, expiresAt: UnixTime, keyVersion: String) {}
        func valueDidNotOpen(_ failure: EntrySealer.OpenFailure) { Issue.record("value did not open") }
        func storeFailed(_ error: ValueStoreError) { Issue.record("store failed: \(error)") }
    }

    private static let users = ["01HXK5Z8J3QW9R7N2M4P6T8V0A", "01HXK5Z8J3QW9R7N2M4P6T8V0B"].map { ULID($0)! }
    private static let tracks = ["01HXK5Z8J3QW9R7N2M4P6T8V0C", "01HXK5Z8J3QW9R7N2M4P6T8V0D"].map { ULID($0)! }

    private let store = MemoryStore()
    private let cache: SealedStreamURLCache
    private let invalidator: CacheInvalidator

    init() throws {
        cache = SealedStreamURLCache(
            store: store, sealer: try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.one])), prefix: "p", breaker: .neverOpening(),
            observer: Silent())
        invalidator = CacheInvalidator(store: store, prefix: "p")
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "https://h/u", expiresAt: UnixTime(seconds: 1)),
            stamp: Stamp(trackVersion: 1, objectKey: "k", userEpoch: 0, presignFingerprint: 0))
        for user in Self.users { for track in Self.tracks { cache.write(entry, user: user, track: track, timeToLive: .seconds(60)) } }
    }

    /// Which of the four entries are there: user 0 with tracks 0 and 1, user 1 with tracks 0 and 1.
    private var isThere: [Bool] {
        Self.users.flatMap { user in Self.tracks.map { cache.read(user: user, track: $0) != nil } }
    }

    @Test func trackOfAUserIsTakenOutAlone() throws {
        #expect(try invalidator.remove(.track(user: Self.users[0], track: Self.tracks[1])) == 1)
        #expect(isThere == [true, false, true, true])
        #expect(try invalidator.remove(.track(user: Self.users[0], track: Self.tracks[1])) == 0)
    }

    @Test func userIsTakenOutWithAllTracks() throws {
        #expect(try invalidator.remove(.user(Self.users[1])) == 2)
        #expect(isThere == [true, true, false, false])
    }

    @Test func everythingIsTakenOutUnderItsPrefixOnly() throws {
        try store.setValue([1], forKey: "p2:other", in: "p2", timeToLive: .seconds(60))
        #expect(try invalidator.remove(.everything) == 4)
        #expect(isThere == [false, false, false, false])
        #expect(try store.value(forKey: "p2:other") == [1])
    }
}
