import StrictJSON
import TestSupport
import Testing

@Suite struct JSONStringTests {
    private func read(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test(arguments: [
        Row(#""a""#, "a"), Row(#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), Row(#""\u0041\u00e9\u00E9""#, "Aéé"),
        Row(#""\u0000""#, "\0"),
        Row(#""\ud83c\udfb5""#, "🎵"), Row(#""\uD83C\uDFB5x""#, "🎵x"),
        Row(#""\ud800\udc00\udbff\udfff""#, "\u{10000}\u{10FFFF}"),
        Row(#""\uffff\ud7ff\ue000""#, "\u{FFFF}\u{D7FF}\u{E000}"), Row("\"é音🎵\"", "é音🎵"),
        Row("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
        Row(#""\\u0041""#, #"\u0041"#),
    ])
    func stringIsRead(_ row: Row<String>) throws {
        #expect(try read(row.name) == .string(JSONString(row.value)))
    }

    @Test(arguments: [
        #""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ud800\ud800""#,
        #""\udc00\ud800""#,
        #""\udfff\udfff""#,
        #""\ud83c\\udfb5""#, #""\ud83c"#, #""\ud83c\"#, #""\ud83c\u"#, #""\ud83c\udf"#,
    ])
    func unpairedSurrogateIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try read(text) }
    }

    @Test(arguments: [
        #"""#, #""a"#, #""\"#, #""\""#, #""\x41""#, #""\a""#, #""\'""#, #""\0""#, #""\U0041""#, #""\u""#, #""\u004""#,
        #""\u00g1""#,
        #""\u+041""#, #""\u 041""#, #""\u-041""#,
        #""\u{41}""#, "\"\n\"", "\"\t\"", "\"\0\"", "\"\u{1F}\"", #"'a'"#, #"a""#, "\"\\u00é0\"", "\"\\u０\"",
    ])
    func malformedStringIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try read(text) }
    }

    @Test(
        arguments: [
            Row("continuation alone", [0x80]), Row("two byte sequence cut", [0xC3]),
            Row("overlong slash", [0xC0, 0xAF]),
            Row("overlong zero", [0xE0, 0x80, 0x80]), Row("surrogate", [0xED, 0xA0, 0x80]),
            Row("beyond U+10FFFF", [0xF4, 0x90, 0x80, 0x80]),
            Row("never a byte of UTF-8", [0xFF]), Row("four byte sequence cut", [0xF0, 0x9F, 0x8E]),
        ] as [Row<[UInt8]>])
    func invalidUTF8IsRefused(_ row: Row<[UInt8]>) {
        let quote = UInt8(ascii: "\"")
        #expect(throws: JSONError.self) { try JSONReader.read([quote] + row.value + [quote]) }
        #expect(throws: JSONError.self) { try JSONReader.read(Array("{\"".utf8) + row.value + Array("\":1}".utf8)) }
    }

    @Test func invalidUTF8OutsideAStringIsRefused() {
        #expect(throws: JSONError.self) { try JSONReader.read([0xFF]) }
        #expect(throws: JSONError.self) { try JSONReader.read([0x31, 0xC2, 0xA0]) }
    }
}
