import Glibc
import HTTPClient
import Resilience
import S3ObjectStore
import SigV4
import StreamIssuing
import TestSupport
import Testing

/// HEAD and presigned URLs against the live store, which verifies every signature.
@Suite struct S3ObjectStoreTests {
    private let stack = LiveStack.shared
    private let later = ContinuousClock.now.advanced(by: .seconds(600))

    private func makeStore(
        endpoint: String? = nil, bucket: String? = nil, secret: String? = nil, expiration: UnixTime? = nil, timeout: Duration = .seconds(5),
        breaker: SharedBreaker = .neverOpening(), bulkhead: SharedBulkhead = SharedBulkhead(Bulkhead.Policy(limit: 4))
    ) throws -> S3ObjectStore {
        let endpoint = try #require(Endpoint(endpoint ?? stack["S3_ENDPOINT"]))
        let credentials = Credentials(
            accessKeyID: stack["S3_ACCESS_KEY_ID"], secretAccessKey: secret ?? stack["S3_SECRET_ACCESS_KEY"], expiration: expiration)
        return S3ObjectStore(
            S3Settings(
                endpoint: endpoint, publicEndpoint: endpoint, region: stack["S3_REGION"], bucket: bucket ?? stack["S3_BUCKET"],
                addressing: .path, presignExpiry: .seconds(120), timeout: timeout, verification: .object),
            credentials: credentials, clock: WallClockNow(), breaker: breaker, bulkhead: bulkhead)
    }

    private func objectKey() throws -> SecretText {
        SecretText(try stack.psql("select object_key from novatune.tracks where track_id = '\(stack["TRACK_READY"])'"))
    }

    private func code(_ body: () throws -> Void) -> String? {
        do { try body() } catch { return (error as? Unavailable)?.code }
        return nil
    }

    @Test func presentObjectIsVerifiedAndTheBucketAnswers() throws {
        let store = try makeStore()
        try store.verify(objectKey: try objectKey(), by: later)
        try store.probe()
    }

    @Test func missingObjectIsSaidToBeMissing() throws {
        let store = try makeStore()
        #expect(code { try store.verify(objectKey: "audio/CANARY-none.mp3", by: later) } == "missing_object")
        #expect(code { try makeStore(bucket: "no-such-bucket").probe() } == "missing_bucket")
    }

    @Test func wrongSecretIsRefused() throws {
        let store = try makeStore(secret: "wrong")
        let key = try objectKey()
        #expect(code { try store.verify(objectKey: key, by: later) } == "http_403")
    }

    @Test func urlEndsWithTheCredentialsThatSignIt() throws {
        let now = WallClockNow().now
        let url = try makeStore(expiration: now.adding(.seconds(30))).presign(
            objectKey: try objectKey(), contentType: "audio/mpeg", at: now)
        #expect(url.expiresAt == now.adding(.seconds(30)) && url.url.exposed.contains("X-Amz-Expires=30&"))
        let longer = try makeStore(expiration: now.adding(.seconds(3600))).presign(objectKey: "k", contentType: "audio/mpeg", at: now)
        #expect(longer.expiresAt == now.adding(.seconds(120)))
        let expired = try makeStore(expiration: now)
        #expect(code { _ = try expired.presign(objectKey: "k", contentType: "audio/mpeg", at: now) } == "credentials_expired")
    }

    @Test func presignedURLIsForGETAlone() throws {
        let url = try makeStore().presign(objectKey: try objectKey(), contentType: "audio/mpeg", at: WallClockNow().now).url
        #expect(try HTTPClient().head(url.exposed, timeout: .seconds(5)) == 403)
    }

    @Test(arguments: ["", ".", "..", "a/../b", "a/./b", "../a", "a/..", SecretText(String(repeating: "k", count: 1025))])
    func keysThatURLParsersChangeAreNeverSigned(key: SecretText) throws {
        let store = try makeStore()
        #expect(code { _ = try store.presign(objectKey: key, contentType: "audio/mpeg", at: UnixTime(seconds: 0)) } == "illegal_key")
        #expect(code { try store.verify(objectKey: key, by: later) } == "illegal_key")
    }

    @Test(arguments: [
        "a b", "a+b%41", "q=1&r=2?#f", "semi;colon:at@", "(p)'s*~", "é/😀", "double//slash", "back\\slash\"quote", "日本語", "...", "a/..b",
    ])
    func awkwardKeysReachTheStoreUnchanged(key: SecretText) throws {
        // 404 and not 403: the store recomputed the signature over the key as it understood it, and agreed.
        #expect(code { try makeStore().verify(objectKey: key, by: later) } == "missing_object")
    }

    @Test func silentStoreTimesOutAndRefusedIsConnect() throws {
        let server = UnhelpfulServer(.silent)
        let silent = try makeStore(endpoint: "http://127.0.0.1:\(server.port)", timeout: .milliseconds(100))
        #expect(code { try silent.verify(objectKey: "k", by: later) } == "timeout")
        let trickling = UnhelpfulServer(.trickling(byte: UInt8(ascii: "H"), everyMilliseconds: 10))
        let slow = try makeStore(endpoint: "http://127.0.0.1:\(trickling.port)", timeout: .milliseconds(100))
        #expect(code { try slow.verify(objectKey: "k", by: later) } != nil)
        #expect(code { try makeStore(endpoint: "http://127.0.0.1:1").verify(objectKey: "k", by: later) } == "connect")
    }

    @Test func storeThatFailsTooOftenIsLeftAlone() throws {
        let clock = ManualClock()
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 2, openDuration: .seconds(30)), now: { clock.now })
        let store = try makeStore(endpoint: "http://127.0.0.1:1", breaker: breaker)
        for _ in 0..<2 { #expect(code { try store.verify(objectKey: "k", by: later) } == "connect") }
        #expect(code { try store.verify(objectKey: "k", by: later) } == "breaker_open")
        // Signing needs no call, and is not refused.
        _ = try store.presign(objectKey: "k", contentType: "audio/mpeg", at: WallClockNow().now)
        clock.advance(by: .seconds(30))
        #expect(code { try store.verify(objectKey: "k", by: later) } == "connect")
    }

    @Test func answersAboutTheObjectOrTheCredentialsAreNoFailures() throws {
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        #expect(code { try makeStore(breaker: breaker).verify(objectKey: "no/such", by: later) } == "missing_object")
        #expect(code { try makeStore(secret: "wrong", breaker: breaker).verify(objectKey: "k", by: later) } == "http_403")
        #expect(breaker.state == .closed)
    }

    @Test func timeThatTheRequestDidNotHaveIsNoFailureOfTheStore() throws {
        let server = UnhelpfulServer(.silent)
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        let store = try makeStore(endpoint: "http://127.0.0.1:\(server.port)", breaker: breaker)
        #expect(code { try store.verify(objectKey: "k", by: .now.advanced(by: .milliseconds(50))) } == "timeout")
        #expect(breaker.state == .closed)
    }

    @Test func stalledStoreKeepsOnlyAsManyAsTheBulkheadLets() throws {
        let server = UnhelpfulServer(.silent)
        let bulkhead = SharedBulkhead(Bulkhead.Policy(limit: 2, patience: .milliseconds(50)))
        let endpoint = "http://127.0.0.1:\(server.port)"
        let waiting = Threads(2) {
            code { try makeStore(endpoint: endpoint, timeout: .milliseconds(1500), bulkhead: bulkhead).verify(objectKey: "k", by: later) }
        }
        while bulkhead.occupied < 2 { sched_yield() }
        let store = try makeStore(endpoint: endpoint, bulkhead: bulkhead)
        let start = ContinuousClock.now
        #expect(code { try store.verify(objectKey: "k", by: later) } == "bulkhead_full")
        #expect(start.duration(to: .now) < .milliseconds(1400), "it waited for as long as those inside")
        #expect(waiting.results() == ["timeout", "timeout"])
        #expect(bulkhead.occupied == 0)
    }
}
