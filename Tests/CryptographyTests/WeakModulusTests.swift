@testable import Cryptography
import TestSupport
import Testing

/// CVE-2017-15361.
@Suite struct WeakModulusTests {
    @Test(arguments: [[1], [1, 0, 1], [0, 0, 1, 0, 1], [1, 0, 2, 0, 1]] as [[UInt8]])
    func powerOfTheGeneratorHasThePattern(_ modulus: [UInt8]) { #expect(WeakModulus.matches(modulus)) }

    @Test func ordinaryModulusHasNot() throws {
        var random = SeededRandom(seed: 15361)
        for _ in 0..<200 {
            let modulus = (0..<256).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(!WeakModulus.matches(modulus))
        }
    }

    @Test func keyWithThePatternIsRefused() throws {
        // 65537^128 has 2049 bits.
        var modulus: [UInt32] = [1]
        for _ in 0..<128 {
            var carry: UInt64 = 0
            for index in modulus.indices {
                let product = UInt64(modulus[index]) * 65_537 + carry
                modulus[index] = UInt32(truncatingIfNeeded: product)
                carry = product >> 32
            }
            if carry > 0 { modulus.append(UInt32(carry)) }
        }
        let bytes = modulus.reversed().flatMap { word in
            (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) }
        }
        let error = #expect(throws: CryptographyError.self) {
            try PublicKey.rsa(.pkcs1SHA256, modulus: bytes, exponent: [1, 0, 1])
        }
        #expect(try #require(error).description.contains("CVE-2017-15361"))
    }
}
