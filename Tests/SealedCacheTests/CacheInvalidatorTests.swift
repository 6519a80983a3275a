import StreamIssuing
import TestSupport
import Testing

@testable import SealedCache

/// What is written by the cache is found by the invalidator.
@Suite struct CacheInvalidatorTests {
    private static let users = ["01HXK5Z8J3QW9R7N2M4P6T8V0A", "01HXK5Z8J3QW9R7N2M4P6T8V0B"].map { ULID($0)! }
    private static let tracks = ["01HXK5Z8J3QW9R7N2M4P6T8V0C", "01HXK5Z8J3QW9R7N2M4P6T8V0D"].map { ULID($0)! }

    private let store = MemoryStore()
    private let cache: LoopStreamURLCache
    private let entry = CachedStreamURL(
        presigned: PresignedURL(url: "https://h/u", expiresAt: UnixTime(seconds: 1)),
        validators: CacheValidators(trackVersion: 1, objectKey: "k", userEpoch: 0, presignFingerprint: 0))
    private let invalidator: CacheInvalidator

    init() throws {
        cache = LoopStreamURLCache(
            store: LoopMemoryStore(store), sealer: try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.one])),
            prefix: "p",
            readBreaker: .neverOpening(), writeBreaker: .neverOpening(),
            observer: { _ in { #expect($0.failure == nil) } })
        invalidator = CacheInvalidator(store: store, prefix: "p")
        for user in Self.users {
            for track in Self.tracks { cache.write(entry, user: user, track: track, timeToLive: .seconds(60)) }
        }
    }

    /// Which of the four entries are there: user 0 with tracks 0 and 1, user 1 with tracks 0 and 1.
    private var isThere: [Bool] {
        Self.users.flatMap { user in
            Self.tracks.map { track in ((try? store.value(forKey: "p:\(user):\(track)")) ?? nil) != nil }
        }
    }

    @Test func trackOfAUserIsRemovedAlone() throws {
        #expect(try invalidator.remove(.track(user: Self.users[0], track: Self.tracks[1])) == 1)
        #expect(isThere == [true, false, true, true])
        #expect(try invalidator.remove(.track(user: Self.users[0], track: Self.tracks[1])) == 0)
    }

    @Test(arguments: [Invalidation.Scope.track(user: users[0], track: tracks[1]), .user(users[0]), .everything])
    func waveformIsRemovedWithTheAudio(_ scope: Invalidation.Scope) throws {
        let key = "p:\(Self.users[0]):\(Self.tracks[1]):waveform"
        cache.write(
            entry, user: Self.users[0], track: Self.tracks[1], part: .waveform, timeToLive: .seconds(60))
        #expect(try store.value(forKey: key) != nil)
        #expect(try invalidator.remove(scope) >= 2)
        #expect(try store.value(forKey: key) == nil)
    }

    @Test func userIsRemovedWithAllTracks() throws {
        #expect(try invalidator.remove(.user(Self.users[1])) == 2)
        #expect(isThere == [true, true, false, false])
    }

    @Test(arguments: [Invalidation.Scope.track(user: users[0], track: tracks[0]), .user(users[0]), .everything])
    func copiesAreRemovedToo(_ scope: Invalidation.Scope) throws {
        let copies = MemoryStore()
        let key = "p:\(Self.users[0]):\(Self.tracks[0])"
        try copies.setValue([1], forKey: key, in: "p:\(Self.users[0])", timeToLive: .seconds(60))
        try CacheInvalidator(store: MemoryStore(), copies: copies, prefix: "p").remove(scope)
        #expect(try copies.value(forKey: key) == nil)
    }

    @Test func everythingIsRemovedUnderItsPrefixOnly() throws {
        try store.setValue([1], forKey: "p2:other", in: "p2", timeToLive: .seconds(60))
        #expect(try invalidator.remove(.everything) == 4)
        #expect(isThere == [false, false, false, false])
        #expect(try store.value(forKey: "p2:other") == [1])
    }
}
