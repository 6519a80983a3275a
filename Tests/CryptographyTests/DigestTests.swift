import Cryptography
import TestSupport
import Testing

/// FIPS 180-4 and RFC 4231 (Vectors/generate.py).
@Suite struct DigestTests {
    private struct Vectors: Decodable {
        struct Hash: Decodable {
            let name, message, digest: String
        }
        struct MAC: Decodable {
            let name, key, message, code: String
        }
        let sha256: [Hash]
        let hmac: [MAC]
    }

    private let vectors: Vectors

    init() throws { vectors = try VectorFile("digests.json").json(Vectors.self) }

    @Test func hashesEqualThoseOfTheStandard() {
        let sha256 = SHA256()
        for vector in vectors.sha256 {
            let message = hexadecimal(vector.message)
            #expect(sha256.hash(message.span).hexadecimal == vector.digest, "\(vector.name)")
        }
    }

    @Test func hashOfAMillionLettersEqualsThatOfTheStandard() {
        let message = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
        #expect(
            SHA256().hash(message.span).hexadecimal
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test func textIsHashedAsUTF8() {
        let bytes = Array("é🎵".utf8)
        #expect(SHA256().hash("é🎵") == SHA256().hash(bytes.span))
    }

    @Test func authenticationCodesEqualThoseOfTheStandard() throws {
        for vector in vectors.hmac {
            let (key, message) = (hexadecimal(vector.key), hexadecimal(vector.message))
            let hmac = try HMACSHA256(key: key.span)
            #expect(hmac.authenticationCode(for: message.span).hexadecimal == vector.code, "\(vector.name)")
            #expect(hmac.authenticationCode(for: message.span).hexadecimal == vector.code, "\(vector.name), again")
        }
    }

    @Test func reusedContextKeepsNothingOfTheEarlierMessage() throws {
        let (key, long, short) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 1000), [UInt8]([3]))
        let hmac = try HMACSHA256(key: key.span)
        _ = hmac.authenticationCode(for: long.span)
        #expect(
            try hmac.authenticationCode(for: short.span)
                == HMACSHA256(key: key.span).authenticationCode(for: short.span))
    }

    @Test func contextsOfSeveralKeysAreIndependent() throws {
        let keys = (0..<50).map { [UInt8](repeating: UInt8($0), count: 32) }
        let message = Array("m".utf8)
        let all = try keys.map { try HMACSHA256(key: $0.span) }
        #expect(Set(all.map { $0.authenticationCode(for: message.span) }).count == 50)
    }
}
