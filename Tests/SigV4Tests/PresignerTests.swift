import SigV4
import StreamIssuing
import Testing

@Suite struct PresignerTests {
    private let time = UnixTime(seconds: 1_767_875_400)

    private func url(
        _ credentials: Credentials = Credentials(accessKeyID: "id", secretAccessKey: "secret"), method: String = "GET",
        region: String = "eu-central-1", key: String = "k", time: UnixTime? = nil, expiry: Duration = .seconds(120)
    ) throws -> String {
        try Presigner(
            credentials: credentials, region: region, endpoint: try #require(Endpoint("https://h")), bucket: "b",
            addressing: .path
        ).presign(method: method, key: key, at: time ?? self.time, expiry: expiry)
    }

    private func signature(_ url: String) -> Substring { url.suffix(64) }

    @Test func secretIsNotInTheURL() throws {
        #expect(!(try url(Credentials(accessKeyID: "id", secretAccessKey: "canary")).contains("canary")))
    }

    @Test func everySignedInputChangesTheSignature() throws {
        let base = try url()
        let others = [
            try url(Credentials(accessKeyID: "id", secretAccessKey: "other")),
            try url(Credentials(accessKeyID: "id2", secretAccessKey: "secret")),
            try url(Credentials(accessKeyID: "id", secretAccessKey: "secret", sessionToken: "t")),
            try url(method: "HEAD"), try url(region: "us-east-1"), try url(key: "l"),
            try url(time: UnixTime(seconds: time.seconds + 1)), try url(expiry: .seconds(121)),
        ]
        #expect(Set(([base] + others).map(signature)).count == others.count + 1)
    }

    @Test func sameInputsGiveTheSameURL() throws {
        #expect(try url() == url())
    }

    /// What it keeps of one second is of no use in another, whichever way the clock goes.
    @Test func reusedPresignerSignsLikeANewOne() throws {
        let presigner = Presigner(
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"), region: "eu-central-1",
            endpoint: try #require(Endpoint("https://h")), bucket: "b", addressing: .path)
        for (seconds, key, expiry) in [
            (0, "k", 120), (0, "l", 120), (0, "l", 60), (1, "l", 60), (86_400, "k", 60), (-1, "k", 60),
        ] {
            let moment = UnixTime(seconds: time.seconds + Int64(seconds))
            let again = try presigner.presign(key: key, at: moment, expiry: .seconds(expiry))
            #expect(try again == url(key: key, time: moment, expiry: .seconds(expiry)))
        }
    }

    @Test func expiryRangeIsOneSecondToSevenDays() {
        #expect(Presigner.expiryRange == .seconds(1) ... .seconds(604_800))
    }

    /// The signature of a URL that has it in its last parameter.
    private func signedBy(_ endpoint: String, bucket: String, key: String, _ handling: Endpoint.PathHandling) throws
        -> (url: String, signature: Substring)
    {
        let url = try Presigner(
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"), region: "eu-central-1",
            endpoint: try #require(Endpoint(withPath: endpoint)), bucket: bucket, addressing: .path,
            pathHandling: handling
        ).presign(key: key, at: time, expiry: .seconds(120))
        return (url, signature(url))
    }

    @Test func pathThatIsKeptIsSignedAndOneThatIsRemovedIsNot() throws {
        let kept = try signedBy("https://h/s3", bucket: "b", key: "k", .kept)
        let removed = try signedBy("https://h/s3/", bucket: "b", key: "k", .removed)
        #expect(kept.url.hasPrefix("https://h/s3/b/k?") && removed.url.hasPrefix("https://h/s3/b/k?"))
        // The store sees the same URL as of a bucket named s3.
        #expect(try kept.signature == signedBy("https://h", bucket: "s3", key: "b/k", .kept).signature)
        #expect(try removed.signature == signedBy("https://h", bucket: "b", key: "k", .kept).signature)
        #expect(kept.signature != removed.signature)
    }
}
