import Cryptography
import KeyManagement
import Resilience
import SigV4
import StreamIssuing
import TestSupport
import Testing

/// A ring whose keys a live key management service has wrapped (Tests/Harness/harness/kms.py): TLS, and every
/// signature checked.
@Suite struct KMSKeyRingTests {
    private static func kms(keyID: String? = nil) throws -> AWSKMS {
        let service = LiveStack.keyManagement
        return AWSKMS(
            AWSKMS.Settings(
                endpoint: try #require(Endpoint(service["KMS_ENDPOINT"])), region: service["KMS_REGION"],
                keyID: keyID ?? service["KMS_KEY_ID"],
                credentials: Credentials(
                    accessKeyID: service["KMS_ACCESS_KEY_ID"], secretAccessKey: service["KMS_SECRET_ACCESS_KEY"]),
                timeout: .seconds(20), certificateAuthorities: service["KMS_CA_BUNDLE"]),
            clock: WallClockNow())
    }

    private let later = Deadline(after: .seconds(600))

    private static let kind = KeyRingSourceContract.Kind("AWS KMS") { ring, place in
        let kms = try kms()
        return FileKeyRing(
            try place.write(KeyRingDocument.plain(ring).wrapped(by: kms).json, as: "ring"), wrapping: kms)
    }

    @Test(arguments: KeyRingSourceContract.checks)
    func sourceKeepsTheContract(_ check: Row<@Sendable (KeyRingSourceContract.Kind) throws -> Void>) throws {
        try check.value(Self.kind)
    }

    @Test func keyUnwrapsUnderItsOwnVersionOnly() throws {
        let kms = try Self.kms()
        let key = SymmetricKey.random()
        let wrapped = try kms.wrap(key, version: "v1", by: later)
        #expect(try kms.unwrap(wrapped, version: "v1", by: later) == key)
        let error = #expect(throws: KeyRingError.self) { try kms.unwrap(wrapped, version: "v2", by: later) }
        #expect(error?.description.contains("encryption context") == true && error?.isTemporary == false)
    }

    @Test(arguments: [0, 5, 40, 60, 100])
    func damagedKeyDoesNotUnwrap(at position: Int) throws {
        let kms = try Self.kms()
        var wrapped = try kms.wrap(.random(), version: "v1", by: later)
        wrapped[position % wrapped.count] ^= 1
        #expect(throws: KeyRingError.self) { try kms.unwrap(wrapped, version: "v1", by: later) }
    }

    @Test func missingKeyIsReported() throws {
        let kms = try Self.kms(keyID: "alias/none")
        #expect(
            throws: KeyRingError(
                "version v1: AWS KMS has no such key; are NOVATUNE_KMS_KEY_ID, region and endpoint right?")
        ) {
            try kms.wrap(.random(), version: "v1", by: later)
        }
    }
}
