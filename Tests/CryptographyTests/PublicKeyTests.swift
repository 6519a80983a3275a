import Cryptography
import TestSupport
import Testing

/// Signatures that Python's cryptography made (Vectors/generate.py).
@Suite struct PublicKeyTests {
    struct Vectors: Decodable, Sendable {
        struct Key: Decodable, Sendable {
            let n, e, x, y: String?

            func publicKey(_ algorithm: String) throws -> PublicKey {
                func bytes(_ text: String?) throws -> [UInt8] { hexadecimal(try #require(text)) }
                return switch algorithm {
                case "RS256": try .rsa(.pkcs1SHA256, modulus: try bytes(n), exponent: try bytes(e))
                case "ES256": try .p256(x: try bytes(x), y: try bytes(y))
                default: try .ed25519(x: try bytes(x))
                }
            }
        }
        struct Case: Decodable, Sendable {
            let name, algorithm: String
            let key: Key
            let message, signature: String
            let isValid: Bool
        }
        let smallRSA: Key
        let cases: [Case]
    }

    static func vectors() throws -> Vectors { try VectorFile("signatures.json").json(Vectors.self) }

    @Test(arguments: ["RS256", "ES256", "EdDSA"])
    func eachSignatureHasItsExpectedValidity(_ algorithm: String) throws {
        let cases = try Self.vectors().cases.filter { $0.algorithm == algorithm }
        #expect(cases.contains { $0.isValid } && cases.contains { !$0.isValid })
        for vector in cases {
            let (key, message) = (try vector.key.publicKey(algorithm), hexadecimal(vector.message))
            let isValid = key.isValid(signature: hexadecimal(vector.signature), for: message.span)
            #expect(isValid == vector.isValid, "\(algorithm), \(vector.name)")
        }
    }

    @Test(arguments: ["RS256", "ES256", "EdDSA"])
    func signatureWithAnyBitFlippedIsInvalid(_ algorithm: String) throws {
        let vector = try #require(try Self.vectors().cases.first { $0.algorithm == algorithm && $0.isValid })
        let (key, message, signature) = (
            try vector.key.publicKey(algorithm), hexadecimal(vector.message), hexadecimal(vector.signature)
        )
        for position in signature.indices {
            for bit in UInt8(0)..<8 {
                var changed = signature
                changed[position] ^= 1 << bit
                let isValid = key.isValid(signature: changed, for: message.span)
                #expect(!isValid, "byte \(position), bit \(bit)")
            }
        }
        let isValid = key.isValid(signature: signature, for: message.span)
        #expect(isValid)
    }

    @Test func keyOfOneAlgorithmRefusesSignaturesOfTheOthers() throws {
        let good = ["RS256", "ES256", "EdDSA"].compactMap { algorithm in
            try? Self.vectors().cases.first { $0.algorithm == algorithm && $0.isValid }
        }
        #expect(good.count == 3)
        for (index, vector) in good.enumerated() {
            let key = try vector.key.publicKey(vector.algorithm)
            for (otherIndex, other) in good.enumerated() {
                let message = hexadecimal(other.message)
                #expect(
                    key.isValid(signature: hexadecimal(other.signature), for: message.span) == (index == otherIndex))
            }
        }
    }

    @Test func rsaKeyOf1024BitsIsRefused() throws {
        let small = try Self.vectors().smallRSA
        #expect(throws: CryptographyError.self) { try small.publicKey("RS256") }
    }

    @Test func modulusWithLeadingZerosIsTheSameKey() throws {
        let vector = try #require(try Self.vectors().cases.first { $0.algorithm == "RS256" && $0.isValid })
        let (modulus, exponent) = (hexadecimal(vector.key.n ?? ""), hexadecimal(vector.key.e ?? ""))
        let key = try PublicKey.rsa(.pkcs1SHA256, modulus: [0, 0] + modulus, exponent: [0] + exponent)
        let message = hexadecimal(vector.message)
        let isValid = key.isValid(signature: hexadecimal(vector.signature), for: message.span)
        #expect(isValid)
    }

    @Test(
        arguments: [
            Row("point not on the curve", ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 1, count: 32))),
            Row("point at infinity", ([UInt8](repeating: 0, count: 32), [UInt8](repeating: 0, count: 32))),
            Row(
                "coordinates beyond the field", ([UInt8](repeating: 255, count: 32), [UInt8](repeating: 255, count: 32))
            ),
            Row("x of 31 bytes", ([UInt8](repeating: 1, count: 31), [UInt8](repeating: 1, count: 32))),
            Row("y of 33 bytes", ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 1, count: 33))),
            Row("empty", ([], [])),
        ] as [Row<([UInt8], [UInt8])>])
    func invalidPointIsRefused(_ row: Row<([UInt8], [UInt8])>) {
        #expect(throws: CryptographyError.self) { try PublicKey.p256(x: row.value.0, y: row.value.1) }
    }

    @Test func goodPointWithAnotherYIsRefused() throws {
        let vector = try #require(try Self.vectors().cases.first { $0.algorithm == "ES256" })
        var y = hexadecimal(vector.key.y ?? "")
        y[31] ^= 1
        #expect(throws: CryptographyError.self) { try PublicKey.p256(x: hexadecimal(vector.key.x ?? ""), y: y) }
    }

    @Test(arguments: [0, 31, 33, 64])
    func ed25519KeyOfAnotherLengthIsRefused(_ length: Int) {
        #expect(throws: CryptographyError.self) { try PublicKey.ed25519(x: [UInt8](repeating: 1, count: length)) }
    }

    @Test(arguments: [[], [0], [1], [0, 1], [2], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1]] as [[UInt8]])
    func invalidExponentIsRefused(_ exponent: [UInt8]) {
        #expect(throws: CryptographyError.self) {
            try PublicKey.rsa(.pkcs1SHA256, modulus: [UInt8](repeating: 0xFF, count: 256), exponent: exponent)
        }
    }

    @Test func oneKeyVerifiesOnSeveralThreads() async throws {
        let vector = try #require(try Self.vectors().cases.first { $0.algorithm == "ES256" && $0.isValid })
        let (key, signature) = (try vector.key.publicKey("ES256"), hexadecimal(vector.signature))
        let valid = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    let message = hexadecimal(vector.message)
                    return (0..<50).count { _ in key.isValid(signature: signature, for: message.span) }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(valid == 200)
    }
}
