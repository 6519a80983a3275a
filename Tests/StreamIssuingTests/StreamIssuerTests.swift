import StreamIssuing
import TestSupport
import Testing

@Suite struct StreamIssuerTests {
    private static let fingerprint: UInt64 = 9
    private static let validators = CacheValidators(
        trackVersion: 7, objectKey: "audio/k.mp3", userEpoch: 3, presignFingerprint: fingerprint)
    private static let (ask, read) = ("ask \(Facts.userID) \(Facts.trackID)", "read \(Facts.userID) \(Facts.trackID)")
    private static let miss = [
        ask, read, "answer", "entry", "verify audio/k.mp3", "presign audio/k.mp3 audio/mpeg \(Facts.now)", "write",
    ]

    private let journal = Journal()
    private let store: FakeTrackStore
    private let cache: FakeCache
    private let objects: FakeObjectStore
    private let observer = FakeObserver()
    private let abandonment = Abandonment()
    private let clock = SettableWallClock(Facts.now)

    init() {
        store = FakeTrackStore(journal)
        cache = FakeCache(journal)
        objects = FakeObjectStore(journal)
    }

    private nonisolated(nonsending) func issue(
        _ part: TrackPart = .audio, to listener: Listener = Facts.listener(), credentialsEnd: UnixTime? = nil,
        tokenLeeway: Duration = .zero
    ) async throws(Problem) -> IssuedURL {
        let policy = IssuingPolicy(
            presignExpiry: .seconds(120), cacheBuffer: .seconds(30), presignFingerprint: Self.fingerprint,
            credentialsEnd: credentialsEnd, tokenLeeway: tokenLeeway)
        return try await StreamIssuer(store: store, cache: cache, objects: objects, policy: policy, clock: clock)
            .issue(
                Facts.trackID, part: part, to: listener, by: .now.advanced(by: .seconds(10)), unless: abandonment,
                observer)
    }

    private func cached(expiresAt: Int64 = Facts.now + 100, validators: CacheValidators = validators) -> CachedStreamURL
    {
        CachedStreamURL(
            presigned: PresignedURL(url: "https://h/cached", expiresAt: UnixTime(seconds: expiresAt)),
            validators: validators)
    }

    private func fresh() -> StreamURL {
        StreamURL(
            url: "https://h/fresh", expiresAt: UnixTime(seconds: Facts.now + 120), contentType: "audio/mpeg",
            fileSizeInBytes: 15_728_640)
    }

    // MARK: Users

    @Test func urlIsSignedForTheUserInTheSessionsOfTheDatabase() async throws {
        _ = try await issue()
        #expect(objects.session == UserSession(user: Facts.userID, epoch: 3))
    }

    // MARK: Waveforms

    @Test func waveformHasObjectAndEntryOfItsOwn() async throws {
        store.facts = Facts.facts(track: Facts.waveform())
        let issued = try await issue(.waveform)
        #expect(issued.streamURL.part == .waveform && issued.streamURL.contentType == "application/json")
        #expect(
            journal.events == [
                Self.ask + " waveform", Self.read + " waveform", "answer", "entry", "verify waveforms/k.json",
                "presign waveforms/k.json application/json \(Facts.now)", "write waveform",
            ])
    }

    @Test func entryOfTheAudioIsNoHitForTheWaveform() async throws {
        cache.entry = cached()
        store.facts = Facts.facts(track: Facts.waveform())
        #expect(try await !issue(.waveform).cameFromCache)
    }

    @Test func missingWaveformIsReportedAfterAllOtherChecksOfTheDatabase() async {
        let none = Facts.waveform(key: "")
        for (facts, problem) in [
            (Facts.facts(user: Facts.user("Suspended"), track: none), Problem.forbidden),
            (Facts.facts(user: Facts.user(validAfterMicroseconds: .max), track: none), .unauthorized(.sessionEnded)),
            (Facts.facts(track: none, accessExpiresAt: nil), .accessDenied(owner: Facts.ownerID)),
            (Facts.facts(track: Facts.waveform("Deleted", key: "")), .trackNotReady(Facts.trackID, .deleted)),
            (Facts.facts(track: none), .waveformNotFound),
        ] {
            store.facts = facts
            await #expect(throws: problem) { try await issue(.waveform) }
        }
        #expect(!journal.events.contains { $0.hasPrefix("verify") || $0.hasPrefix("presign") } && cache.written == [])
    }

    // MARK: A user named by an identity

    private static let askByIdentity = "ask https://login.example.com/ auth0|4711 \(Facts.trackID)"

    @Test func identityIsResolvedBeforeTheCacheIsRead() async throws {
        cache.entry = cached()
        #expect(try await issue(to: Facts.listener(.identity(Facts.identity))).cameFromCache)
        #expect(journal.events == [Self.askByIdentity, "answer", Self.read, "entry"])
        #expect(observer.steps == ["asked", "read"])
    }

    @Test func entryOfAnIdentityIsTheUsersOwn() async throws {
        _ = try await issue(to: Facts.listener(.identity(Facts.identity)))
        #expect(journal.events == [Self.askByIdentity, "answer", Self.read] + Self.miss.dropFirst(3))
        #expect(cache.written.map(\.user) == [Facts.userID])
    }

    @Test func unknownIdentityIsForbiddenAndReadsNoCache() async {
        cache.entry = cached()
        store.facts = Facts.facts(user: nil, track: nil, accessExpiresAt: nil)
        await #expect(throws: Problem.forbidden) { try await issue(to: Facts.listener(.identity(Facts.identity))) }
        #expect(journal.events == [Self.askByIdentity, "answer"])
        #expect(observer.steps == ["asked"])
    }

    @Test func usableEntryOfAnIdentityDoesNotOverrideARefusalOfTheDatabase() async {
        cache.entry = cached()
        for (facts, problem) in [
            (Facts.facts(user: Facts.user("Suspended")), Problem.forbidden),
            (Facts.facts(user: Facts.user(validAfterMicroseconds: .max)), .unauthorized(.sessionEnded)),
            (Facts.facts(accessExpiresAt: nil), .accessDenied(owner: Facts.ownerID)),
        ] {
            store.facts = facts
            await #expect(throws: problem) { try await issue(to: Facts.listener(.identity(Facts.identity))) }
        }
        #expect(cache.written == [])
    }

    @Test func failedQuestionAboutAnIdentityReadsNoCache() async {
        let failure = Unavailable(.database, code: "lost", reason: "lost")
        store.failure = failure
        await #expect(throws: Problem.serviceUnavailable(failure)) {
            try await issue(to: Facts.listener(.identity(Facts.identity)))
        }
        #expect(journal.events == [Self.askByIdentity, "answer"])
    }

    @Test func disconnectedClientOfAnIdentityReadsNoCache() async {
        store.onAnswer = abandonment.happen
        await #expect(throws: Problem.clientGone) { try await issue(to: Facts.listener(.identity(Facts.identity))) }
        #expect(journal.events == [Self.askByIdentity, "answer"])
    }

    // MARK: Hits

    @Test func hitIsAnsweredWithoutTheObjectStore() async throws {
        cache.entry = cached()
        let issued = try await issue()
        #expect(issued.cameFromCache)
        #expect(
            issued.streamURL
                == StreamURL(
                    url: "https://h/cached", expiresAt: UnixTime(seconds: Facts.now + 100), contentType: "audio/mpeg",
                    fileSizeInBytes: 15_728_640))
        #expect(journal.events == [Self.ask, Self.read, "answer", "entry"])
    }

    @Test func disconnectedClientCausesNoCallOfTheObjectStore() async {
        store.onAnswer = abandonment.happen
        await #expect(throws: Problem.clientGone) { try await issue() }
        #expect(journal.events == [Self.ask, Self.read, "answer", "entry"])
    }

    @Test func clientThatDisconnectsDuringTheVerificationCausesNoSignature() async {
        objects.onVerify = abandonment.happen
        objects.failureOnVerify = Unavailable(.objectStore, code: "timeout", reason: "gave up")
        await #expect(throws: Problem.clientGone) { try await issue() }
        #expect(journal.events == Array(Self.miss.prefix(5)))
        #expect(observer.steps == ["asked", "read"], "an abandoned wait is no failure of the store")
    }

    /// The issuer's clock is 5 s ahead, and the logout comes 2 s after the token.
    @Test func tokenUsedBeforeALogoutIsRefusedAfterItThroughout() async throws {
        let token = Listener(
            user: .id(Facts.userID), holdsListenerRole: true, tokenIssuedAt: UnixTime(seconds: Facts.now + 5),
            tokenHistory: TokenHistory(firstSeen: UnixTime(seconds: Facts.now)))
        _ = try await issue(to: token, tokenLeeway: .seconds(5))
        store.facts = Facts.facts(user: Facts.user(validAfterMicroseconds: (Facts.now + 2) * 1_000_000))
        for seconds in [2, 5, 60] as [Int64] {
            clock.set(Facts.now + seconds)
            await #expect(throws: Problem.unauthorized(.sessionEnded)) {
                try await issue(to: token, tokenLeeway: .seconds(5))
            }
        }
    }

    @Test func leewayOfThePolicyAcceptsANewLoginWhoseClockIsBehind() async throws {
        store.facts = Facts.facts(user: Facts.user(validAfterMicroseconds: Facts.now * 1_000_000))
        let token = Facts.listener(issuedAt: Facts.now - 5)
        _ = try await issue(to: token, tokenLeeway: .seconds(5))
        await #expect(throws: Problem.unauthorized(.sessionEnded)) { try await issue(to: token) }
    }

    @Test func cacheIsReadBetweenQuestionAndAnswer() async throws {
        _ = try await issue()
        #expect(Array(journal.events.prefix(3)) == [Self.ask, Self.read, "answer"])
    }

    @Test func missIsVerifiedPresignedAndWritten() async throws {
        let issued = try await issue()
        #expect(!issued.cameFromCache)
        #expect(issued.streamURL == fresh())
        #expect(journal.events == Self.miss)
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "https://h/fresh", expiresAt: UnixTime(seconds: Facts.now + 120)),
            validators: Self.validators)
        #expect(
            cache.written == [.init(entry: entry, user: Facts.userID, track: Facts.trackID, timeToLive: .seconds(90))])
    }

    @Test func entryDoesNotOutliveTheGrant() async throws {
        store.facts = Facts.facts(accessExpiresAt: UnixTime(seconds: Facts.now + 40))
        _ = try await issue()
        #expect(cache.written.map(\.timeToLive) == [.seconds(40)])
        store.facts = Facts.facts(accessExpiresAt: UnixTime(seconds: Facts.now + 91))
        _ = try await issue()
        #expect(cache.written.last?.timeToLive == .seconds(90))
    }

    /// The database's clock decides about the grant; ours may be ahead of it.
    @Test func grantThatEndsNowIsAnsweredAndNotWritten() async throws {
        for end in [Facts.now, Facts.now - 5] {
            store.facts = Facts.facts(accessExpiresAt: UnixTime(seconds: end))
            #expect(try await issue().streamURL == fresh())
        }
        #expect(cache.written == [])
    }

    @Test(arguments: [
        Row(
            "track version",
            CacheValidators(trackVersion: 6, objectKey: "audio/k.mp3", userEpoch: 3, presignFingerprint: fingerprint)),
        Row(
            "object key",
            CacheValidators(trackVersion: 7, objectKey: "audio/old.mp3", userEpoch: 3, presignFingerprint: fingerprint)),
        Row(
            "user epoch",
            CacheValidators(trackVersion: 7, objectKey: "audio/k.mp3", userEpoch: 2, presignFingerprint: fingerprint)),
        Row(
            "presign fingerprint",
            CacheValidators(
                trackVersion: 7, objectKey: "audio/k.mp3", userEpoch: 3, presignFingerprint: fingerprint + 1)),
    ])
    func entryWithAStaleValidatorIsAMiss(_ row: Row<CacheValidators>) async throws {
        cache.entry = cached(validators: row.value)
        #expect(try await issue().streamURL == fresh())
        #expect(journal.events == Self.miss)
        #expect(cache.written.first?.entry.validators == Self.validators)
    }

    @Test func entryInItsBufferIsAMissAndOneSecondEarlierAHit() async throws {
        cache.entry = cached(expiresAt: Facts.now + 30)
        #expect(try await !issue().cameFromCache)
        cache.entry = cached(expiresAt: Facts.now + 31)
        #expect(try await issue().cameFromCache)
    }

    @Test func entryBecomesAMissWithTime() async throws {
        cache.entry = cached(expiresAt: Facts.now + 100)
        clock.set(Facts.now + 69)
        #expect(try await issue().cameFromCache)
        clock.set(Facts.now + 70)
        #expect(try await !issue().cameFromCache)
    }

    /// The end may become known when the entry is there already.
    @Test func entryThatOutlivesTheCredentialsIsAMiss() async throws {
        cache.entry = cached(expiresAt: Facts.now + 100)
        #expect(try await issue(credentialsEnd: UnixTime(seconds: Facts.now + 100)).cameFromCache)
        #expect(try await !issue(credentialsEnd: UnixTime(seconds: Facts.now + 99)).cameFromCache)
    }

    @Test func usableEntryDoesNotOverrideARefusalOfTheDatabase() async {
        cache.entry = cached()
        for (facts, problem) in [
            (Facts.facts(user: Facts.user("Suspended")), Problem.forbidden),
            (Facts.facts(user: Facts.user(validAfterMicroseconds: .max)), .unauthorized(.sessionEnded)),
            (Facts.facts(track: nil), .trackNotFound),
            (Facts.facts(accessExpiresAt: nil), .accessDenied(owner: Facts.ownerID)),
            (Facts.facts(track: Facts.track("Deleted")), .trackNotReady(Facts.trackID, .deleted)),
        ] {
            store.facts = facts
            await #expect(throws: problem) { try await issue() }
        }
        #expect(cache.written == [])
        #expect(!journal.events.contains { $0.hasPrefix("verify") || $0.hasPrefix("presign") })
    }

    @Test func unavailableDatabaseIsUnavailableEvenWithAUsableEntry() async {
        cache.entry = cached()
        let failure = Unavailable(.database, code: "connect", reason: "down", retryAfterSeconds: 9)
        store.failure = failure
        await #expect(throws: Problem.serviceUnavailable(failure)) { try await issue() }
        #expect(journal.events == [Self.ask, Self.read, "answer", "entry"])
    }

    @Test func failedCacheIsAMiss() async throws {
        cache.entry = cached()
        cache.failure = Unavailable(.cache, code: "timeout", reason: "slow")
        #expect(try await issue().streamURL == fresh())
        #expect(observer.steps == ["asked", "read!", "verified", "presigned"])
    }

    @Test func rememberedObjectIsNotVerifiedAgain() async throws {
        objects.isRemembered = true
        #expect(try await issue().streamURL == fresh())
        #expect(observer.steps == ["asked", "read", "presigned"])
    }

    @Test func failedStepIsTheLastObserved() async {
        objects.failureOnVerify = Unavailable(.objectStore, code: "timeout", reason: "slow")
        await #expect(throws: Problem.self) { try await issue() }
        #expect(observer.steps == ["asked", "read", "verified!"])
    }

    @Test func missingObjectIsUnavailableAndNothingIsWritten() async {
        let failure = Unavailable(.objectStore, code: "missing_object", reason: "not there")
        objects.failureOnVerify = failure
        let problem = await #expect(throws: Problem.self) { try await issue() }
        #expect(problem?.kind == .serviceUnavailable && problem?.cause == failure && problem?.retryAfterSeconds == 5)
        #expect(cache.written == [] && journal.events.last == "verify audio/k.mp3")
    }

    @Test func keyThatCannotBeSignedIsUnavailableAndNothingIsWritten() async {
        let failure = Unavailable(.objectStore, code: "illegal_key", reason: "dots")
        objects.failureOnPresign = failure
        await #expect(throws: Problem.serviceUnavailable(failure)) { try await issue() }
        #expect(cache.written == [])
    }

    @Test func unavailableObjectStoreDoesNotAffectAHit() async throws {
        cache.entry = cached()
        objects.failureOnVerify = Unavailable(.objectStore, code: "timeout", reason: "slow")
        #expect(try await issue().cameFromCache)
    }
}
