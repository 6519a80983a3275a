import StreamIssuing
import TestSupport
import Testing

@Suite struct CachedStreamURLTests {
    private static let validators = CacheValidators(
        trackVersion: 7, objectKey: "k", userEpoch: 3, presignFingerprint: 9)
    private let entry = CachedStreamURL(
        presigned: PresignedURL(url: "u", expiresAt: UnixTime(seconds: 1000)), validators: validators)

    private func isUsable(at seconds: Int64, buffer: Duration = .seconds(30), validators: CacheValidators = validators)
        -> Bool
    {
        entry.isUsable(at: UnixTime(seconds: seconds), validators: validators, buffer: buffer)
    }

    @Test func entryIsUsableUntilTheBufferBeginsAndNotFromThatSecondOn() {
        #expect(isUsable(at: 0))
        #expect(isUsable(at: 969))
        #expect(!isUsable(at: 970))
        #expect(!isUsable(at: 971))
        #expect(!isUsable(at: 1000))
        #expect(!isUsable(at: .max))
    }

    @Test func withoutBufferEntryIsUsableUntilItsLastSecond() {
        #expect(isUsable(at: 999, buffer: .zero))
        #expect(!isUsable(at: 1000, buffer: .zero))
    }

    @Test func entryWithTheSameObjectKeyInAnotherSpellingIsNotUsable() {
        func validators(_ key: SecretText) -> CacheValidators {
            CacheValidators(trackVersion: 7, objectKey: key, userEpoch: 3, presignFingerprint: 9)
        }
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "u", expiresAt: UnixTime(seconds: 1000)), validators: validators("caf\u{E9}"))
        #expect(entry.isUsable(at: UnixTime(seconds: 0), validators: validators("caf\u{E9}"), buffer: .zero))
        #expect(!entry.isUsable(at: UnixTime(seconds: 0), validators: validators("cafe\u{301}"), buffer: .zero))
    }

    @Test(arguments: [
        Row("track version", CacheValidators(trackVersion: 8, objectKey: "k", userEpoch: 3, presignFingerprint: 9)),
        Row(
            "earlier track version",
            CacheValidators(trackVersion: 6, objectKey: "k", userEpoch: 3, presignFingerprint: 9)),
        Row("object key", CacheValidators(trackVersion: 7, objectKey: "l", userEpoch: 3, presignFingerprint: 9)),
        Row("user epoch", CacheValidators(trackVersion: 7, objectKey: "k", userEpoch: 4, presignFingerprint: 9)),
        Row(
            "presign fingerprint", CacheValidators(trackVersion: 7, objectKey: "k", userEpoch: 3, presignFingerprint: 8)
        ),
    ])
    func entryWithAnotherValidatorIsNotUsable(_ row: Row<CacheValidators>) {
        #expect(!isUsable(at: 0, validators: row.value))
    }
}
