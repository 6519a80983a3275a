import EventLoop
import HTTPClient
import Resilience
import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct LoopObjectStoreTests {
    private let running = RunningLoop()
    private let verified = VerifiedObjects()
    private let later = ContinuousClock.now.advanced(by: .seconds(600))

    private func makeStore(
        _ endpoint: String, timeout: Duration = .seconds(30), breaker: SharedBreaker = .neverOpening(),
        limit: Int = 1024,
        verification: S3Settings.Verification = .object
    ) throws -> LoopObjectStore {
        let endpoint = try #require(Endpoint(endpoint))
        return LoopObjectStore(
            S3Settings(
                endpoint: endpoint, publicEndpoint: endpoint, region: "us-east-1", bucket: "bucket", addressing: .path,
                presignExpiry: .seconds(120), timeout: timeout, verification: verification),
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"),
            clock: SettableWallClock(1_800_000_000),
            loop: running.loop, client: LoopHTTPClient(running.loop, resolver: NameResolver(running.loop)),
            verified: verified,
            breaker: breaker, inFlight: InFlightLimit(limit))
    }

    private func verify(_ store: LoopObjectStore, _ track: Track, by deadline: ContinuousClock.Instant? = nil) async
        -> ObjectStoreCall?
    {
        let deadline = deadline ?? later
        return await running.run { _ in await call(store, track, deadline) }
    }

    @Test func objectIsLookedForOnceForAllUsers() async throws {
        let server = UnhelpfulServer(.answering([.status(200)]))
        let store = try makeStore(server.url)
        let first = try #require(await verify(store, .number(1)))
        #expect(first.status == 200 && first.failure == nil && first.wasAttempted && !first.isRemembered)
        let second = try #require(await verify(store, .number(1)))
        #expect(second.failure == nil && !second.wasAttempted && second.isRemembered)
        // Another loop's store knows it, too.
        #expect(await verify(try makeStore(server.url), .number(1))?.isRemembered == true)
        #expect(server.requests == 1)
    }

    @Test func newVersionAndInvalidationCauseANewLookUp() async throws {
        let server = UnhelpfulServer(.answering([.status(200)]))
        let store = try makeStore(server.url)
        for version in [1, 1, 2, 2] { _ = await verify(store, .number(1, version: Int64(version))) }
        #expect(server.requests == 2)
        verified.forget(.track(user: .number(9), track: .number(1)))
        _ = await verify(store, .number(1, version: 2))
        verified.forget(.everything)
        _ = await verify(store, .number(1, version: 2))
        #expect(server.requests == 4)
    }

    @Test func missingObjectIsRemovedAndNotRemembered() async throws {
        let server = UnhelpfulServer(.answering([.status(200), .status(404), .status(404)]))
        let store = try makeStore(server.url)
        _ = await verify(store, .number(1))
        // The object's version is new to the store, and so is looked for.
        let missing = try #require(await verify(store, .number(1, version: 2)))
        #expect(missing.failure?.code == "missing_object" && missing.status == 404 && missing.wasAttempted)
        #expect(verified.count == 0)
        #expect(await verify(store, .number(1))?.failure?.code == "missing_object")
        #expect(server.requests == 3 && verified.count == 0)
    }

    @Test func requestsForTheSameObjectShareOneCall() async throws {
        let server = UnhelpfulServer(.silent)
        let store = try makeStore(server.url), later = later
        let calls = await running.run { loop in
            await withTaskGroup(of: ObjectStoreCall?.self) { group in
                for _ in 0..<100 { group.addTask { await call(store, .number(1), later) } }
                #expect(await loop.turnsPass { store.waitingCount == 100 && server.accepted == 1 })
                server.hangUp()
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(calls.count == 100 && calls.allSatisfy { $0?.failure?.code == "lost" && $0?.wasAttempted == true })
        // The call and its retry.
        #expect(server.accepted == 2 && store.waitingCount == 0)
    }

    @Test func requestWithMoreTimeCallsAgainAfterTheSharedCallTimedOut() async throws {
        let server = UnhelpfulServer(.silent), clock = ManualClock()
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1), now: { clock.now })
        let store = try makeStore(server.url, breaker: breaker), later = later
        let (short, long) = await running.run { loop in
            async let short = call(store, .number(1), .now.advanced(by: .milliseconds(50)))
            _ = await loop.turnsPass { store.waitingCount == 1 }
            async let long = call(store, .number(1), later)
            let shortCall = await short
            _ = await loop.turnsPass { server.accepted == 2 }
            server.hangUp()
            return (shortCall, await long)
        }
        #expect(short?.failure?.code == "timeout")
        #expect(long?.failure?.code == "lost")
        #expect(breaker.state == .open, "the failure of the second call is counted")
    }

    @Test func requestThatIsAbandonedLeavesTheCallToTheOthers() async throws {
        let server = UnhelpfulServer(.silent), abandonment = Abandonment(), second = Abandonment()
        let store = try makeStore(server.url), later = later
        let (first, gone, waiting) = await running.run { loop in
            async let first = call(store, .number(1), later, unless: abandonment)
            _ = await loop.turnsPass { server.accepted == 1 }
            async let gone = call(store, .number(1), later, unless: second)
            async let waiting = call(store, .number(1), later)
            _ = await loop.turnsPass { store.waitingCount == 3 }
            abandonment.happen()
            second.happen()
            let goneCall = await gone
            #expect(store.waitingCount == 2)
            server.hangUp()
            return (await first, goneCall, await waiting)
        }
        #expect(gone?.failure?.code == "timeout")
        #expect(first?.failure?.code == "lost" && waiting?.failure?.code == "lost")
    }

    @Test func callCutShortByItsRequestDoesNotOpenTheBreaker() async throws {
        let server = UnhelpfulServer(.silent)
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        let store = try makeStore(server.url, breaker: breaker)
        #expect(await verify(store, .number(1), by: .now.advanced(by: .milliseconds(30)))?.failure?.code == "timeout")
        #expect(breaker.state == .closed)
    }

    @Test func failureOfTheStoreIsTriedOnceMore() async throws {
        let server = UnhelpfulServer(.answering([.status(500), .status(200), .status(500)]))
        let store = try makeStore(server.url)
        #expect(await verify(store, .number(1))?.status == 200)
        #expect(server.requests == 2)
        let failed = try #require(await verify(store, .number(2)))
        #expect(failed.status == 500 && failed.failure?.code == "http_500" && server.requests == 4)
    }

    @Test func answersAboutTheObjectOrTheCredentialsAreNoFailures() async throws {
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        let server = UnhelpfulServer(.answering([.status(403), .status(404), .status(301)]))
        let store = try makeStore(server.url, breaker: breaker)
        var codes: [String?] = []
        for number in 1...3 { codes.append(await verify(store, .number(number))?.failure?.code) }
        #expect(codes == ["http_403", "missing_object", "http_301"] && breaker.state == .closed)
    }

    @Test(arguments: [Row("refused_object", 403), Row("invalid_object", 400)])
    func objectThatIsRefusedWhileOthersAreReadableIsNamedAsTheCause(_ row: Row<Int>) async throws {
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        let server = UnhelpfulServer(.answering([.status(row.value), .status(200), .status(row.value)]))
        let store = try makeStore(server.url, breaker: breaker)
        #expect(await verify(store, .number(1))?.failure?.code == "http_\(row.value)")
        #expect(await verify(store, .number(2))?.failure == nil)
        let refused = try #require(await verify(store, .number(1)))
        #expect(refused.failure?.code == row.name && refused.failure?.isAboutOneTrack == true)
        #expect(refused.status == row.value && breaker.state == .closed)
    }

    @Test func openBreakerCallsNoStoreAndRememberedObjectsAreUsed() async throws {
        let clock = ManualClock()
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 2), now: { clock.now })
        let server = UnhelpfulServer(.answering([.status(200), .status(503)]))
        let store = try makeStore(server.url, breaker: breaker)
        _ = await verify(store, .number(1))
        for number in 2...3 { #expect(await verify(store, .number(number))?.failure?.code == "http_503") }
        let refused = try #require(await verify(store, .number(4)))
        #expect(
            refused.failure?.code == "breaker_open" && !refused.wasAttempted && refused.failure?.retryAfterSeconds == 1)
        #expect(await verify(store, .number(1))?.isRemembered == true)
        #expect(server.requests == 5)
        breaker.noticedRecovery()
        #expect(await verify(store, .number(4))?.wasAttempted == true)
        #expect(server.requests == 7)
    }

    @Test func storeThatVerifiesNothingIsNotCalled() async throws {
        let store = try makeStore("http://127.0.0.1:1", verification: .none)
        #expect(await verify(store, .number(1)) == nil)
        #expect(!store.verifiesObjects && verified.count == 0)
    }

    @Test(arguments: ["", ".", "a/../b", SecretText(String(repeating: "k", count: 1025))])
    func keysThatURLParsersChangeAreNeverSigned(key: SecretText) async throws {
        let store = try makeStore("http://127.0.0.1:1"), later = later
        let code = await running.run { _ in
            do throws(Unavailable) {
                try await store.verify(.number(1, key: key), by: later, unless: Abandonment()) { _ in }
                return String?.none
            } catch {
                return error.code
            }
        }
        #expect(code == "illegal_key")
    }

    @Test func replacedCredentialsSignWhatFollows() async throws {
        let store = try makeStore("http://127.0.0.1:1")
        let urls = try await running.run { _ in
            let first = Result { () throws(Unavailable) in
                try store.presign(objectKey: "k", contentType: "audio/mpeg", for: nil, at: UnixTime(seconds: 0)).url
                    .exposeSecret()
            }
            store.credentials = Credentials(accessKeyID: "second", secretAccessKey: "s")
            let second = Result { () throws(Unavailable) in
                try store.presign(objectKey: "k", contentType: "audio/mpeg", for: nil, at: UnixTime(seconds: 0)).url
                    .exposeSecret()
            }
            return [first, second]
        }.map { try $0.get() }
        #expect(urls[0].contains("Credential=id%2F") && urls[1].contains("Credential=second%2F"))
    }
}

/// The outcome of one request; nil where the observer was not called.
nonisolated(nonsending) func call(
    _ store: LoopObjectStore, _ track: Track, _ deadline: ContinuousClock.Instant,
    unless abandonment: Abandonment = Abandonment()
) async -> ObjectStoreCall? {
    var call: ObjectStoreCall?
    do throws(Unavailable) {
        try await store.verify(track, by: deadline, unless: abandonment) { call = $0 }
        #expect(call?.failure == nil)
    } catch {
        #expect(call?.failure == error)
    }
    return call
}

extension Track {
    static func number(_ number: Int, version: Int64 = 1, key: SecretText? = nil) -> Track {
        Track(
            id: .number(number), ownerID: .number(0), status: .ready, version: version,
            objectKey: key ?? SecretText("audio/\(number)"),
            mimeType: "audio/mpeg", sizeInBytes: 1)
    }
}
