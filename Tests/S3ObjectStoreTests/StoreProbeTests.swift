import Cryptography
import Resilience
import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

/// What the probe makes of answers that real stores give in states which tests cannot bring them into.
@Suite struct StoreProbeTests {
    private static let now: Int64 = 784_111_777
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"

    private func answer(_ status: Int, _ code: String, date: String = date) -> UnhelpfulServer.Answer {
        let body = "<Error><Code>\(code)</Code></Error>"
        return UnhelpfulServer.Answer(
            "HTTP/1.1 \(status) Whatever\r\nDate: \(date)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }

    private func makeStore(
        _ server: UnhelpfulServer, expiration: Int64? = nil, access: StoreAccess = StoreAccess()
    ) throws -> S3ObjectStore {
        let endpoint = try #require(Endpoint(server.url))
        return S3ObjectStore(
            S3Settings(
                endpoint: endpoint, publicEndpoint: endpoint, region: "us-east-1", bucket: "audio", addressing: .path,
                presignExpiry: .seconds(120), timeout: .seconds(30), verification: .object),
            credentials: Credentials(
                accessKeyID: "id", secretAccessKey: "secret", expiration: expiration.map { UnixTime(seconds: $0) }),
            clock: SettableWallClock(Self.now), breaker: .neverOpening(), access: access)
    }

    private func code(_ store: S3ObjectStore) -> String? {
        do throws(Unavailable) { try store.probe() } catch { return error.code }
        return nil
    }

    @Test(
        arguments: [
            Row("NoSuchKey", (404, nil)), Row("AccessDenied", (403, nil)), Row("NoSuchBucket", (404, "missing_bucket")),
            Row("InvalidAccessKeyId", (403, "unknown_key_id")), Row("SlowDown", (503, "http_503")),
        ] as [Row<(Int, String?)>])
    func missingAndForbiddenObjectsShowThatTheBucketIsReached(_ row: Row<(Int, String?)>) throws {
        let server = UnhelpfulServer(.answering([answer(row.value.0, row.name)]))
        #expect(code(try makeStore(server)) == row.value.1)
        #expect(server.requests == 1)
    }

    @Test func clockOffsetIsThatOfTheLastAnswer() throws {
        let server = UnhelpfulServer(
            .answering([answer(404, "NoSuchKey"), answer(404, "NoSuchKey", date: "Sun, 06 Nov 1994 08:50:37 GMT")]))
        let store = try makeStore(server)
        #expect(store.clockOffset == nil)
        try store.probe()
        #expect(store.clockOffset?.seconds == 0)
        try store.probe()
        #expect(store.clockOffset?.seconds == -60)
        server.hangUp()
        #expect(code(store) != nil && store.clockOffset == nil)
    }

    @Test func credentialsThatSignNoURLAreNotReady() throws {
        let server = UnhelpfulServer(.answering([answer(404, "NoSuchKey")]))
        #expect(code(try makeStore(server, expiration: Self.now)) == "credentials_expired")
        #expect(code(try makeStore(server, expiration: Self.now + 119)) == "credentials_end_soon")
        #expect(server.requests == 0)
        #expect(code(try makeStore(server, expiration: Self.now + 120)) == nil)
    }

    @Test func faultIsRememberedForTheObjectsThatAreRefused() throws {
        let access = StoreAccess(), digest = VerifiedObjectTable.Object.any.keyDigest
        let server = UnhelpfulServer(.answering([answer(403, "InvalidAccessKeyId"), answer(503, "SlowDown")]))
        let store = try makeStore(server, access: access)
        #expect(code(store) == "unknown_key_id")
        let refused = access.refusal(403, of: digest)
        #expect(refused.code == "http_403" && refused.reason.contains("NOVATUNE_S3_ACCESS_KEY_ID"))
        #expect(code(store) == "http_503")
        #expect(!access.refusal(403, of: digest).reason.contains("NOVATUNE_S3_ACCESS_KEY_ID"))
    }
}

extension VerifiedObjectTable.Object {
    fileprivate static let any = VerifiedObjectTable.Object(keyDigest: SHA256().hash("audio/1"), version: 1)
}
