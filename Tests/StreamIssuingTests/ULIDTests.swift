import StreamIssuing
import Testing

/// github.com/ulid/spec, "Canonical String Representation".
@Suite struct ULIDTests {
    @Test(arguments: [
        "01HXK5Z8J3QW9R7N2M4P6T8V0B", "00000000000000000000000000", "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "0123456789ABCDEFGHJKMNPQRS",
        "0TVWXYZ0000000000000000000",
    ])
    func canonicalTextIsKept(_ text: String) {
        #expect(ULID(text)?.description == text)
    }

    @Test func lowerAndMixedCaseAreTheSameULIDInUpperCase() {
        let upper = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")
        #expect(upper != nil)
        #expect(ULID("01hxk5z8j3qw9r7n2m4p6t8v0b") == upper)
        #expect(ULID("01hXK5z8J3qw9R7n2M4p6T8v0b") == upper)
        #expect(ULID("01hxk5z8j3qw9r7n2m4p6t8v0b")?.description == "01HXK5Z8J3QW9R7N2M4P6T8V0B")
        #expect(ULID("7zzzzzzzzzzzzzzzzzzzzzzzzz")?.description == "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    }

    @Test(arguments: [
        "", "0", "01HXK5Z8J3QW9R7N2M4P6T8V0", "01HXK5Z8J3QW9R7N2M4P6T8V0BB", "80000000000000000000000000",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "ZZZZZZZZZZZZZZZZZZZZZZZZZZ", "A1HXK5Z8J3QW9R7N2M4P6T8V0B", "z1HXK5Z8J3QW9R7N2M4P6T8V0B",
        " 1HXK5Z8J3QW9R7N2M4P6T8V0B",
        "01HXK5Z8J3QW9R7N2M4P6T8V0 ", "01HXK5Z8J3QW9R7N2M4P6T8V0\n", "01HXK5Z8J3QW9R7N2M4P6T8V0B\n",
        "01HXK5Z8-3QW9R7N2M4P6T8V0B",
        "01HXK5Z8J3QW9R7N2M4P6T8V0\0", "018fa65f-4a43-bf12-7c2a-42268da46c0b", "01HXK5Z8J3QW9R7N2M4P6T8V0É",
        "０1HXK5Z8J3QW9R7N2M4P6T8V0B",
        "01HXK5Z8J3QW9R7N2M4P6T8V0B\u{301}", "01HXK5Z8J3QW9R7N2M4P6T8V%30",
    ])
    func anyOtherShapeIsRefused(_ text: String) {
        #expect(ULID(text) == nil)
    }

    @Test func onlyLettersAndDigitsOfCrockfordAreAccepted() {
        let alphabet = Set("0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz")
        for value in UInt8.min..<128 {
            let character = Character(Unicode.Scalar(value))
            #expect((ULID("0123456789ABCDEFGHJKMNPQR\(character)") != nil) == alphabet.contains(character), "\(value)")
        }
    }

    @Test func everyFirstCharacterUpToSevenIsAccepted() {
        for digit in 0...9 { #expect((ULID("\(digit)0000000000000000000000000") != nil) == (digit <= 7)) }
    }

    /// Each digit at each place but the first, which holds three bits.
    @Test(arguments: 1..<26) func everyDigitIsKeptAtItsPlace(_ place: Int) {
        var texts: Set<String> = []
        for digit in "0123456789ABCDEFGHJKMNPQRSTVWXYZ" {
            let text =
                "5" + String(repeating: "A", count: place - 1) + [digit] + String(repeating: "N", count: 25 - place)
            #expect(ULID(text)?.description == text)
            texts.insert(text)
        }
        #expect(Set(texts.map { ULID($0) }).count == 32)
    }

    @Test func partOfALongerTextIsAccepted() {
        #expect(ULID("/tracks/01HXK5Z8J3QW9R7N2M4P6T8V0B".dropFirst(8))?.description == "01HXK5Z8J3QW9R7N2M4P6T8V0B")
    }
}
