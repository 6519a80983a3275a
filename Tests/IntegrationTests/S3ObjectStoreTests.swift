import Glibc
import HTTPClient
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SigV4
import StreamIssuing
import TestSupport
import Testing

/// HEAD and presigned URLs against the live store, which verifies every signature.
@Suite struct S3ObjectStoreTests {
    typealias Form = StoreUnderTest.Form

    private let stack = LiveStack.shared
    private let later = ContinuousClock.now.advanced(by: .seconds(600))

    private func settings(
        endpoint: String?, bucket: String?, timeout: Duration, addressing: Endpoint.Addressing = .path
    ) throws -> S3Settings {
        let endpoint = try #require(Endpoint(endpoint ?? stack["S3_ENDPOINT"]))
        return S3Settings(
            endpoint: endpoint, publicEndpoint: endpoint, region: stack["S3_REGION"],
            bucket: bucket ?? stack["S3_BUCKET"],
            addressing: addressing, presignExpiry: .seconds(120), timeout: timeout, verification: .object)
    }

    private func credentials(secret: String? = nil, expiration: UnixTime? = nil) -> Credentials {
        Credentials(
            accessKeyID: stack["S3_ACCESS_KEY_ID"], secretAccessKey: secret ?? stack["S3_SECRET_ACCESS_KEY"],
            expiration: expiration)
    }

    private func makeStore(
        _ form: Form, endpoint: String? = nil, secret: String? = nil, expiration: UnixTime? = nil,
        timeout: Duration = .seconds(5),
        breaker: SharedBreaker = .neverOpening()
    ) throws -> StoreUnderTest {
        StoreUnderTest(
            form, try settings(endpoint: endpoint, bucket: nil, timeout: timeout),
            credentials(secret: secret, expiration: expiration),
            breaker)
    }

    private func makeBlockingStore(
        endpoint: String? = nil, bucket: String? = nil, timeout: Duration = .seconds(5)
    ) throws -> S3ObjectStore {
        S3ObjectStore(
            try settings(endpoint: endpoint, bucket: bucket, timeout: timeout), credentials: credentials(),
            clock: WallClockNow(),
            breaker: .neverOpening())
    }

    private func objectKey() throws -> SecretText {
        SecretText(try stack.psql("select object_key from novatune.tracks where track_id = '\(stack["TRACK_READY"])'"))
    }

    @Test(arguments: Form.allCases) func presentObjectIsVerified(form: Form) async throws {
        let store = try makeStore(form), key = try objectKey()
        for _ in 0..<3 { #expect(await store.verify(key, by: later) == nil) }
    }

    @Test(arguments: Form.allCases) func missingObjectIsReportedAsMissing(form: Form) async throws {
        #expect(await (try makeStore(form)).verify("audio/CANARY-none.mp3", by: later) == "missing_object")
    }

    @Test func probeReportsWhetherTheBucketResponds() throws {
        let store = try makeBlockingStore()
        try store.probe()
        // One machine has one clock; the store's date may be a second older.
        #expect(abs(try #require(store.clockOffset).seconds) <= 1)
        let missing = try makeBlockingStore(bucket: "no-such-bucket")
        #expect(code { () throws(Unavailable) in try missing.probe() } == "missing_bucket")
    }

    @Test func wrongKeyWrongSecretAndWrongAddressingAreThreeFaults() throws {
        func code(
            _ credentials: Credentials? = nil, _ endpoint: String? = nil, _ addressing: Endpoint.Addressing = .path
        ) throws -> String? {
            let store = S3ObjectStore(
                try settings(endpoint: endpoint, bucket: nil, timeout: .seconds(5), addressing: addressing),
                credentials: credentials ?? self.credentials(), clock: WallClockNow(), breaker: .neverOpening())
            do throws(Unavailable) { try store.probe() } catch { return error.code }
            return nil
        }
        #expect(try code(credentials(secret: "wrong")) == "signature_mismatch")
        #expect(
            try code(Credentials(accessKeyID: "unknown", secretAccessKey: "s")) == "unknown_key_id")
        // localhost and all names below it are this machine (RFC 6761 §6.3).
        let named = stack["S3_ENDPOINT"].replacing("127.0.0.1", with: "localhost")
        #expect(try code(nil, named) == nil)
        #expect(try code(nil, named, .virtual) == "wrong_addressing")
    }

    @Test func objectAndItsURLAreReadAsAPlayerWould() throws {
        let store = try makeBlockingStore(), key = try objectKey()
        try store.read(objectKey: key)
        let answer = try store.fetchAsPlayer(objectKey: key, contentType: "audio/mpeg")
        #expect(answer.isRangeGiven && answer.corsFault == nil)
        let allowed = try store.fetchAsPlayer(
            objectKey: key, contentType: "audio/mpeg", origin: stack["BASE_URL"])
        let other = try store.fetchAsPlayer(
            objectKey: key, contentType: "audio/mpeg", origin: "https://elsewhere.example")
        #expect(allowed.corsFault == nil && other.corsFault == .noOrigin)
        #expect(code { () throws(Unavailable) in try store.read(objectKey: "audio/none") } == "missing_object")
    }

    @Test func objectsOfTheNewestReadyTracksAreGiven() throws {
        let responder = SecretText(stack["DATABASE_URL"])
        let objects = try ReadyTracks.newestObjects(2, conninfo: responder, timeout: .seconds(5))
        let ready = "from novatune.tracks where status = 'Ready' order by track_id desc limit 2"
        let keys = try stack.psql("select object_key \(ready)").split(separator: "\n").map(String.init)
        #expect(objects.map { $0.key.exposeSecret() } == keys && keys.count == 2)
    }

    @Test(arguments: Form.allCases) func wrongSecretIsRefused(form: Form) async throws {
        let store = try makeStore(form, secret: "wrong")
        #expect(await store.verify(try objectKey(), by: later) == "http_403")
    }

    @Test(arguments: Form.allCases) func urlIsNotSignedWhereTheCredentialsEndFirst(form: Form) async throws {
        let now = WallClockNow().now
        for left in [120, 3600] {
            let store = try makeStore(form, expiration: now.adding(.seconds(left)))
            #expect(try await store.presign("k", at: now).expiresAt == now.adding(.seconds(120)))
        }
        for (left, code) in [(119, "credentials_end_soon"), (1, "credentials_end_soon"), (0, "credentials_expired")] {
            let store = try makeStore(form, expiration: now.adding(.seconds(left)))
            await #expect { try await store.presign("k", at: now) } throws: { ($0 as? Unavailable)?.code == code }
        }
    }

    @Test(arguments: Form.allCases) func presignedURLAllowsOnlyGET(form: Form) async throws {
        let url = try await makeStore(form).presign(try objectKey(), at: WallClockNow().now).url
        #expect(try HTTPClient().head(url.exposeSecret(), timeout: .seconds(5)) == 403)
    }

    @Test(
        arguments: Form.allCases,
        ["", ".", "..", "a/../b", "a/./b", "../a", "a/..", SecretText(String(repeating: "k", count: 1025))]
            as [SecretText])
    func keysThatURLParsersChangeAreNeverSigned(form: Form, key: SecretText) async throws {
        let store = try makeStore(form)
        await #expect { try await store.presign(key, at: UnixTime(seconds: 0)) } throws: {
            ($0 as? Unavailable)?.code == "illegal_key"
        }
        #expect(await store.verify(key, by: later) == "illegal_key")
    }

    @Test(
        arguments: Form.allCases,
        [
            "a b", "a+b%41", "q=1&r=2?#f", "semi;colon:at@", "(p)'s*~", "é/😀", "double//slash", "back\\slash\"quote",
            "日本語", "...",
            "a/..b",
        ] as [SecretText])
    func unusualKeysReachTheStoreUnchanged(form: Form, key: SecretText) async throws {
        // 404 and not 403: the store recomputed the signature over the key as it understood it, and agreed.
        #expect(await (try makeStore(form)).verify(key, by: later) == "missing_object")
    }

    @Test(arguments: Form.allCases) func silentStoreTimesOutAndRefusedIsConnect(form: Form) async throws {
        let server = UnhelpfulServer(.silent)
        let silent = try makeStore(form, endpoint: server.url, timeout: .milliseconds(100))
        #expect(await silent.verify("k", by: later) == "timeout")
        let trickling = UnhelpfulServer(.trickling(byte: UInt8(ascii: "H"), everyMilliseconds: 10))
        let slow = try makeStore(form, endpoint: trickling.url, timeout: .milliseconds(100))
        #expect(await slow.verify("k", by: later) != nil)
        #expect(await (try makeStore(form, endpoint: "http://127.0.0.1:1")).verify("k", by: later) == "connect")
    }

    @Test(arguments: Form.allCases) func repeatedFailuresOfTheStoreOpenTheBreaker(form: Form) async throws {
        let clock = ManualClock()
        let breaker = SharedBreaker(
            CircuitBreaker.Policy(failureLimit: 2, openDuration: .seconds(30)), now: { clock.now })
        let store = try makeStore(form, endpoint: "http://127.0.0.1:1", breaker: breaker)
        for _ in 0..<2 { #expect(await store.verify("k", by: later) == "connect") }
        #expect(await store.verify("k", by: later) == "breaker_open")
        // Signing needs no call, and is not refused.
        _ = try await store.presign("k", at: WallClockNow().now)
        clock.advance(by: .seconds(1))
        #expect(await store.verify("k", by: later) == "connect")
    }

    @Test(arguments: Form.allCases) func answersAboutTheObjectOrTheCredentialsAreNoFailures(form: Form) async throws {
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        #expect(await (try makeStore(form, breaker: breaker)).verify("no/such", by: later) == "missing_object")
        #expect(await (try makeStore(form, secret: "wrong", breaker: breaker)).verify("k", by: later) == "http_403")
        #expect(breaker.state == .closed)
    }

    @Test(arguments: Form.allCases) func deadlineOfTheRequestIsNoFailureOfTheStore(form: Form) async throws {
        let server = UnhelpfulServer(.silent)
        let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
        let store = try makeStore(form, endpoint: server.url, breaker: breaker)
        #expect(await store.verify("k", by: .now.advanced(by: .milliseconds(50))) == "timeout")
        #expect(breaker.state == .closed)
    }
}
