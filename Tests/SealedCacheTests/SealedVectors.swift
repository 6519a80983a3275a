import Cryptography
import Foundation
import SealedCache
import StreamIssuing
import TestSupport

/// Values that Python's cryptography sealed (Vectors/generate.py).
struct SealedVectors: Decodable {
    struct Vector: Decodable {
        let version: String
        let cacheKey: String
        let expiresAt: Int64
        let trackVersion: Int64
        let userEpoch: Int64
        let fingerprint: String
        let objectKey: String
        let url: String
        let firstNonceByte: UInt8
        let plaintext: String
        let value: String

        var entry: CachedStreamURL {
            CachedStreamURL(
                presigned: PresignedURL(url: SecretText(url), expiresAt: UnixTime(seconds: expiresAt)),
                validators: CacheValidators(
                    trackVersion: trackVersion, objectKey: SecretText(objectKey), userEpoch: userEpoch,
                    presignFingerprint: UInt64(fingerprint, radix: 16)!))
        }
    }

    let keys: [String: String]
    let vectors: [Vector]

    static func read() throws -> SealedVectors { try VectorFile("sealed.json").json(SealedVectors.self) }

    func ring(current: String) throws -> KeyRing {
        try KeyRing(current: current, keys: keys.mapValues { SymmetricKey(Data(base64Encoded: $0)!) })
    }
}
