@testable import SealedCache
import TestSupport
import Testing

@Suite struct SealedVectorTests {
    @Test func valuesSealedByPythonOpen() throws {
        let vectors = try SealedVectors.read()
        let sealer = try EntrySealer(try vectors.ring(current: "v1"))
        for vector in vectors.vectors {
            let plaintext = try sealer.open(hexadecimal(vector.value), under: vector.cacheKey)
            #expect(plaintext.hexadecimalText == vector.plaintext)
            #expect(EntryCoding.decode(plaintext) == vector.entry)
        }
    }

    @Test func sealedValuesEqualThoseOfPython() throws {
        let vectors = try SealedVectors.read()
        for vector in vectors.vectors {
            let random = CountingRandom(startingAt: vector.firstNonceByte)
            let sealer = try EntrySealer(try vectors.ring(current: vector.version), random: random)
            let plaintext = EntryCoding.encode(vector.entry)
            #expect(plaintext.hexadecimalText == vector.plaintext)
            #expect(try sealer.seal(plaintext, under: vector.cacheKey).hexadecimalText == vector.value)
        }
    }

    @Test func vectorsCoverSeveralVersionsAndKeys() throws {
        let vectors = try SealedVectors.read().vectors
        #expect(Set(vectors.map(\.version)).count == 3 && Set(vectors.map(\.cacheKey)).count == 2)
    }
}
