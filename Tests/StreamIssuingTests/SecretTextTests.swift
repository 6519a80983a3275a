import StreamIssuing
import Testing

@Suite struct SecretTextTests {
    private let secret = SecretText("canary")

    @Test func typesThatContainASecretDoNotShowIt() {
        let presigned = PresignedURL(url: secret, expiresAt: UnixTime(seconds: 1))
        let validators = CacheValidators(trackVersion: 1, objectKey: secret, userEpoch: 2, presignFingerprint: 3)
        let track = Track(
            id: Facts.trackID, ownerID: Facts.ownerID, status: .ready, version: 1, objectKey: secret,
            mimeType: "audio/mpeg", sizeInBytes: 1
        )
        let holders: [Any] = [
            secret, [secret], Optional(secret) as Any, presigned, validators,
            CachedStreamURL(presigned: presigned, validators: validators),
            track,
            StreamURL(url: secret, expiresAt: UnixTime(seconds: 1), contentType: "audio/mpeg", fileSizeInBytes: 1),
            Facts.facts(track: track),
        ]
        for holder in holders {
            var dumped = ""
            dump(holder, to: &dumped)
            for text in [
                "\(holder)", String(reflecting: holder), String(describing: Mirror(reflecting: holder)), dumped,
            ] {
                #expect(!text.contains("canary"), "\(type(of: holder))")
            }
        }
    }

    @Test func exposeSecretReturnsTheText() {
        #expect(secret.exposeSecret() == "canary" && secret == "canary" && "\(secret)" == "<redacted>")
    }
}
