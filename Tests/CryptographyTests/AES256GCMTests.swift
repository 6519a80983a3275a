import Cryptography
import TestSupport
import Testing

/// NIST SP 800-38D (Vectors/generate.py).
@Suite struct AES256GCMTests {
    private struct Vector: Decodable {
        let name, key, nonce, plaintext, associatedData, sealed: String
    }

    private struct Forgery: Decodable {
        let tcId: Int
        let comment, key, iv, aad, msg, ct, tag, result: String
    }

    private let nonce = [UInt8](0..<12)
    private let associatedData = Array("associated".utf8)
    private let plaintext = Array("plaintext of 30 bytes or so...".utf8)

    private func cipher(_ byte: UInt8 = 7) throws -> AES256GCM {
        try AES256GCM(key: SymmetricKey([UInt8](repeating: byte, count: 32)))
    }

    private func sealed() throws -> [UInt8] {
        var output: [UInt8] = []
        try cipher().seal(plaintext.span, nonce: nonce.span, authenticating: associatedData.span, into: &output)
        return output
    }

    @Test func vectorsSealAndOpen() throws {
        for vector in try VectorFile("aes256gcm.json").json([Vector].self) {
            let cipher = try AES256GCM(key: SymmetricKey(hexadecimal(vector.key)))
            let (nonce, plaintext, data) = (
                hexadecimal(vector.nonce), hexadecimal(vector.plaintext), hexadecimal(vector.associatedData)
            )
            var output: [UInt8] = []
            try cipher.seal(plaintext.span, nonce: nonce.span, authenticating: data.span, into: &output)
            #expect(output.hexadecimalText == vector.sealed, "\(vector.name)")
            #expect(
                cipher.open(output.span, nonce: nonce.span, authenticating: data.span) == plaintext, "\(vector.name)")
        }
    }

    @Test func forgeriesDoNotOpenAndEdgeCasesDo() throws {
        let vectors = try VectorFile("aes256gcm-forgeries.json").json([Forgery].self)
        #expect(vectors.contains { $0.result == "valid" } && vectors.contains { $0.result == "invalid" })
        for vector in vectors {
            let (iv, aad) = (hexadecimal(vector.iv), hexadecimal(vector.aad))
            let sealed = hexadecimal(vector.ct) + hexadecimal(vector.tag)
            // A key of another length makes no cipher at all.
            let cipher = try? AES256GCM(key: SymmetricKey(hexadecimal(vector.key)))
            let opened = cipher?.open(sealed.span, nonce: iv.span, authenticating: aad.span)
            let expected = vector.result == "valid" ? hexadecimal(vector.msg) : nil
            #expect(opened == expected, "\(vector.tcId), \(vector.comment)")
        }
    }

    /// What ThreadSanitizer says of it is the test: empty arrays are all one object, and nothing may be written to
    /// that.
    @Test func emptyMessagesOpenOnManyThreadsConcurrently() async throws {
        let key = SymmetricKey([UInt8](repeating: 7, count: 32))
        let (nonce, data, nothing) = (nonce, associatedData, [UInt8]())
        var sealed: [UInt8] = []
        try AES256GCM(key: key).seal(nothing.span, nonce: nonce.span, authenticating: data.span, into: &sealed)
        let message = sealed
        try await withThrowingTaskGroup { group in
            for _ in 0..<8 {
                group.addTask {
                    let cipher = try AES256GCM(key: key)
                    return (0..<1000).allSatisfy { _ in
                        cipher.open(message.span, nonce: nonce.span, authenticating: data.span) == nothing
                    }
                }
            }
            for try await opened in group { #expect(opened) }
        }
    }

    @Test func sealingAppends() throws {
        var output: [UInt8] = [1, 2, 3]
        try cipher().seal(plaintext.span, nonce: nonce.span, authenticating: associatedData.span, into: &output)
        #expect(Array(output[..<3]) == [1, 2, 3])
        #expect(try Array(output[3...]) == sealed())
    }

    @Test func messageWithAnyBitFlippedDoesNotOpen() throws {
        let cipher = try cipher()
        let sealed = try sealed()
        for position in sealed.indices {
            for bit in UInt8(0)..<8 {
                var changed = sealed
                changed[position] ^= 1 << bit
                #expect(
                    cipher.open(changed.span, nonce: nonce.span, authenticating: associatedData.span) == nil,
                    "byte \(position), bit \(bit)"
                )
            }
        }
        #expect(cipher.open(sealed.span, nonce: nonce.span, authenticating: associatedData.span) == plaintext)
    }

    @Test func otherNonceDoesNotOpen() throws {
        let (cipher, sealed) = (try cipher(), try sealed())
        for position in nonce.indices {
            var changed = nonce
            changed[position] ^= 1
            #expect(cipher.open(sealed.span, nonce: changed.span, authenticating: associatedData.span) == nil)
        }
    }

    @Test func otherAssociatedDataDoesNotOpen() throws {
        let (cipher, sealed) = (try cipher(), try sealed())
        let others: [[UInt8]] = [
            [], Array(associatedData.dropLast()), associatedData + [0], Array(associatedData.reversed()),
        ]
        for other in others {
            #expect(cipher.open(sealed.span, nonce: nonce.span, authenticating: other.span) == nil)
        }
    }

    @Test func otherKeyDoesNotOpen() throws {
        let sealed = try sealed()
        #expect(try cipher(8).open(sealed.span, nonce: nonce.span, authenticating: associatedData.span) == nil)
    }

    @Test func everyTruncationDoesNotOpen() throws {
        let (cipher, sealed) = (try cipher(), try sealed())
        for length in 0..<sealed.count {
            let cut = Array(sealed[..<length])
            #expect(
                cipher.open(cut.span, nonce: nonce.span, authenticating: associatedData.span) == nil, "\(length) bytes")
        }
    }

    @Test(arguments: [0, 1, 11, 13, 16])
    func nonceOfAnotherLengthIsRefused(_ length: Int) throws {
        let (cipher, sealed) = (try cipher(), try sealed())
        // As far as they go, the bytes are right.
        let other = Array((nonce + [0, 0, 0, 0]).prefix(length))
        #expect(cipher.open(sealed.span, nonce: other.span, authenticating: associatedData.span) == nil)
        var output: [UInt8] = [9]
        #expect(throws: CryptographyError.self) {
            try cipher.seal(plaintext.span, nonce: other.span, authenticating: associatedData.span, into: &output)
        }
        #expect(output == [9])
    }

    @Test(arguments: [0, 16, 24, 31, 33, 64])
    func keyOfAnotherLengthIsRefused(_ length: Int) {
        #expect(throws: CryptographyError.self) {
            try AES256GCM(key: SymmetricKey([UInt8](repeating: 0, count: length)))
        }
    }
}
