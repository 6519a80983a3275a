@testable import SealedCache
import StreamIssuing
import TestSupport
import Testing

@Suite struct EntryCodingTests {
    private func entry(_ key: SecretText = "audio/é.mp3", url: SecretText = "https://h/é") -> CachedStreamURL {
        CachedStreamURL(
            presigned: PresignedURL(url: url, expiresAt: UnixTime(seconds: 1_767_875_520)),
            validators: CacheValidators(trackVersion: 1, objectKey: key, userEpoch: 2, presignFingerprint: 3))
    }

    @Test(arguments: [Int64.min, -1, 0, 1, 1_767_875_520, .max])
    func integersOfEveryKindRoundTrip(_ value: Int64) {
        let entry = CachedStreamURL(
            presigned: PresignedURL(url: "u", expiresAt: UnixTime(seconds: value)),
            validators: CacheValidators(
                trackVersion: value &+ 1, objectKey: "k", userEpoch: value &- 1,
                presignFingerprint: UInt64(bitPattern: value)))
        #expect(EntryCoding.decode(EntryCoding.encode(entry)) == entry)
    }

    @Test(arguments: ["", "k", "é🎵", String(repeating: "k", count: 1024), String(repeating: "é", count: 32_767)])
    func keysOfEveryLengthRoundTrip(_ key: String) {
        #expect(EntryCoding.decode(EntryCoding.encode(entry(SecretText(key)))) == entry(SecretText(key)))
    }

    @Test func everyTruncationOfTheFixedPartAndKeyIsRefused() {
        let bytes = EntryCoding.encode(entry())
        let urlStart = 34 + "audio/é.mp3".utf8.count
        for length in 0...urlStart { #expect(EntryCoding.decode(Array(bytes[..<length])) == nil) }
    }

    @Test func keyLongerThanTheRestIsRefused() {
        var bytes = EntryCoding.encode(entry("k", url: "u"))
        bytes[33] = 2
        #expect(EntryCoding.decode(bytes) == nil)
        bytes[32] = 0xFF
        #expect(EntryCoding.decode(bytes) == nil)
    }

    @Test func randomBytesDoNotCrash() {
        var random = SeededRandom(seed: 5)
        let good = EntryCoding.encode(entry())
        for _ in 0..<3000 {
            guard let decoded = EntryCoding.decode(random.mutated(good)) else { continue }
            #expect(EntryCoding.decode(EntryCoding.encode(decoded)) == decoded)
        }
    }
}
