@testable import SealedCache
import TestSupport
import Testing

@Suite struct EntrySealerTests {
    private static let key = "stream:01HXK5Z8J3QW9R7N2M4P6T8V0B:01HXK5Z8J3QW9R7N2M4P6T8V0C"
    private let plaintext = Array("an entry".utf8)

    private func sealer(current: String = "v1") throws -> EntrySealer {
        try EntrySealer(
            try Rings.ring(current: current, ["v1": Rings.one, "v2": Rings.two]),
            random: CountingRandom(startingAt: 0x40))
    }

    private func failure(_ value: [UInt8], under key: String = key, _ sealer: EntrySealer) -> EntrySealer.OpenFailure? {
        do {
            _ = try sealer.open(value, under: key)
            return nil
        } catch {
            return error
        }
    }

    @Test func sealedEntryOpens() throws {
        let sealer = try sealer()
        #expect(try sealer.open(try sealer.seal(plaintext, under: Self.key), under: Self.key) == plaintext)
        #expect(try sealer.open(try sealer.seal([], under: Self.key), under: Self.key) == [])
    }

    @Test func valueHasTheDocumentedFormat() throws {
        let value = try sealer().seal(plaintext, under: Self.key)
        #expect(Array(value[..<4]) == [1, 2, UInt8(ascii: "v"), UInt8(ascii: "1")])
        #expect(Array(value[4..<16]) == Array(0x40..<0x4C))
        #expect(value.count == 2 + 2 + 12 + plaintext.count + 16)
        #expect(!value.hexadecimalText.contains(plaintext.hexadecimalText))
    }

    @Test func eachEntryGetsANonceOfItsOwn() throws {
        let sealer = try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.one]))
        let values = try (0..<100).map { _ in try sealer.seal(plaintext, under: Self.key) }
        #expect(Set(values.map { Array($0[4..<16]) }).count == 100)
    }

    @Test func sealedEntryMovedToAnotherKeyDoesNotOpen() throws {
        let sealer = try sealer()
        let value = try sealer.seal(plaintext, under: Self.key)
        for other in [
            Self.key + "x", String(Self.key.dropLast()), "", "other:" + Self.key.dropFirst(7), Self.key.lowercased(),
        ] {
            #expect(failure(value, under: other, sealer) == .notAuthentic)
        }
    }

    @Test func entryWithAnyBitFlippedDoesNotOpen() throws {
        let sealer = try sealer()
        let value = try sealer.seal(plaintext, under: Self.key)
        for position in value.indices {
            for bit in 0..<8 {
                var changed = value
                changed[position] ^= 1 << UInt8(bit)
                let expected: [EntrySealer.OpenFailure] =
                    switch position {
                    case 0: [.unknownFormat]
                    case 1: [.unknownKeyVersion, .truncated]
                    case 2, 3: [.unknownKeyVersion, .notAuthentic]
                    default: [.notAuthentic]
                    }
                #expect(expected.contains(try #require(failure(changed, sealer))), "byte \(position), bit \(bit)")
            }
        }
    }

    @Test func entryOfOneVersionRenamedToAnotherDoesNotOpen() throws {
        let sealer = try sealer()
        var value = try sealer.seal(plaintext, under: Self.key)
        value[3] = UInt8(ascii: "2")
        #expect(failure(value, sealer) == .notAuthentic)
    }

    @Test func everyTruncationDoesNotOpen() throws {
        let sealer = try sealer()
        let value = try sealer.seal(plaintext, under: Self.key)
        for length in 0..<value.count {
            let expected: EntrySealer.OpenFailure = length < 4 + 12 + 16 ? .truncated : .notAuthentic
            #expect(failure(Array(value[..<length]), sealer) == expected, "\(length) bytes")
        }
        #expect(failure(value + [0], sealer) == .notAuthentic)
    }

    @Test func unknownFormatIsDistinguishedFromUnknownVersion() throws {
        let sealer = try sealer()
        let value = try sealer.seal(plaintext, under: Self.key)
        for format in UInt8.min ... .max where format != 1 {
            #expect(failure([format] + value[1...], sealer) == .unknownFormat)
        }
        let other = try EntrySealer(try Rings.ring(current: "v9", ["v9": Rings.one]))
        #expect(failure(value, other) == .unknownKeyVersion)
        #expect(failure([1, 2, 0xFF, 0xFE] + value[4...], sealer) == .unknownKeyVersion)
        #expect(failure([1, 0] + value[4...], sealer) == .unknownKeyVersion)
    }

    @Test func oldVersionStillOpensAndNewEntriesUseTheCurrentOne() throws {
        let old = try sealer(current: "v1").seal(plaintext, under: Self.key)
        let sealer = try sealer(current: "v2")
        #expect(try sealer.open(old, under: Self.key) == plaintext)
        #expect(try sealer.seal(plaintext, under: Self.key)[3] == UInt8(ascii: "2"))
    }

    @Test func versionThatIsNoLongerListedDoesNotOpen() throws {
        let old = try sealer(current: "v1").seal(plaintext, under: Self.key)
        let rotated = try EntrySealer(try Rings.ring(current: "v2", ["v2": Rings.two]))
        #expect(failure(old, rotated) == .unknownKeyVersion)
    }

    @Test func otherBytesUnderTheSameVersionDoNotOpen() throws {
        let value = try sealer().seal(plaintext, under: Self.key)
        let other = try EntrySealer(try Rings.ring(current: "v1", ["v1": Rings.three]))
        #expect(failure(value, other) == .notAuthentic)
    }

    @Test func sealerOpensAgainAfterAFailure() throws {
        let sealer = try sealer()
        let value = try sealer.seal(plaintext, under: Self.key)
        #expect(failure(value + [0], sealer) == .notAuthentic)
        #expect(try sealer.open(value, under: Self.key) == plaintext)
    }

    @Test func randomBytesDoNotOpenAndDoNotCrash() throws {
        let sealer = try sealer()
        var random = SeededRandom(seed: 4)
        for _ in 0..<3000 {
            let noise = (0..<Int.random(in: 0..<64, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            #expect(failure(noise, sealer) != nil)
        }
    }
}
