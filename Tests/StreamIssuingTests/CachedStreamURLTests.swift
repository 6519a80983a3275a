import StreamIssuing
import TestSupport
import Testing

@Suite struct CachedStreamURLTests {
    private static let stamp = Stamp(trackVersion: 7, objectKey: "k", userEpoch: 3, presignFingerprint: 9)
    private let entry = CachedStreamURL(presigned: PresignedURL(url: "u", expiresAt: UnixTime(seconds: 1000)), stamp: stamp)

    private func isUsable(at seconds: Int64, buffer: Duration = .seconds(30), stamp: Stamp = stamp) -> Bool {
        entry.isUsable(at: UnixTime(seconds: seconds), stamp: stamp, buffer: buffer)
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
        func stamp(_ key: SecretText) -> Stamp { Stamp(trackVersion: 7, objectKey: key, userEpoch: 3, presignFingerprint: 9) }
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "u", expiresAt: UnixTime(seconds: 1000)), stamp: stamp("caf\u{E9}"))
        #expect(entry.isUsable(at: UnixTime(seconds: 0), stamp: stamp("caf\u{E9}"), buffer: .zero))
        #expect(!entry.isUsable(at: UnixTime(seconds: 0), stamp: stamp("cafe\u{301}"), buffer: .zero))
    }

    @Test(arguments: [
        Row("track version", Stamp(trackVersion: 8, objectKey: "k", userEpoch: 3, presignFingerprint: 9)),
        Row("earlier track version", Stamp(trackVersion: 6, objectKey: "k", userEpoch: 3, presignFingerprint: 9)),
        Row("object key", Stamp(trackVersion: 7, objectKey: "l", userEpoch: 3, presignFingerprint: 9)),
        Row("user epoch", Stamp(trackVersion: 7, objectKey: "k", userEpoch: 4, presignFingerprint: 9)),
        Row("presign fingerprint", Stamp(trackVersion: 7, objectKey: "k", userEpoch: 3, presignFingerprint: 8)),
    ])
    func entryWithAnotherMemberInItsStampIsNotUsable(_ row: Row<Stamp>) {
        #expect(!isUsable(at: 0, stamp: row.value))
    }
}
