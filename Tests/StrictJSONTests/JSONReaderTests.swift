import StrictJSON
import TestSupport
import Testing

/// RFC 8259, and where it leaves room, the stricter way.
@Suite struct JSONReaderTests {
    private func read(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test(
        arguments: [
            Row("null", .null), Row("true", .boolean(true)), Row("false", .boolean(false)),
            Row(" \t\r\n 1 \t\r\n ", .integer(1)),
            Row(#""""#, .string("")), Row("[]", .array([])), Row("[ ]", .array([])),
            Row("[1,[2,[]],\"x\"]", .array([.integer(1), .array([.integer(2), .array([])]), .string("x")])),
            Row(" [ 1 , 2 ] ", .array([.integer(1), .integer(2)])),
        ] as [Row<JSONValue>])
    func valueIsRead(_ row: Row<JSONValue>) throws {
        #expect(try read(row.name) == row.value)
    }

    @Test func objectKeepsItsMembersInTheirOrder() throws {
        let object = try #require(try read(#" { "b" : 1 , "a" : { "" : null } , "" : [ ] } "#).objectValue)
        #expect(object.members.map(\.name) == ["b", "a", ""])
        #expect(object["b"] == .integer(1) && object[""] == .array([]) && object["c"] == nil)
        #expect(object["a"]?.objectValue?[""] == .null)
        #expect(try read("{}").objectValue?.members.isEmpty == true)
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "NULL", "True", "tru", "undefined", "NaN", "Infinity", "-Infinity", "'a'", "a",
        "\u{FEFF}1",
        "1 2", "1,", "[1]]", "{}{}", "null null", "\"a\"b", "1\0", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[,]",
        "[1 2]", "{", "}",
        "{\"a\"", "{\"a\":",
        "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{null:1}", "{\"a\" 1}", "{\"a\":}",
        "{\"a\":1 \"b\":2}",
        "{\"a\"::1}", "[1:2]",
        "// comment\n1", "1/* */", "\u{A0}1", "\u{B}1", "\u{C}1",
    ])
    func textThatIsNotJSONIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try read(text) }
    }

    @Test(arguments: [
        #"{"a":1,"a":1}"#, #"{"a":1,"b":2,"a":3}"#, #"{"a":1,"\u0061":1}"#, #"{"x":{"a":1,"a":2}}"#,
        #"[{"a":1,"a":2}]"#, #"{"":1,"":2}"#,
        #"{"a\/":1,"a/":2}"#,
    ])
    func memberTwiceIsRefused(_ text: String) {
        let error = #expect(throws: JSONError.self) { try read(text) }
        #expect(error?.reason == "a member's name twice")
    }

    @Test func sameNameInDifferentObjectsIsAccepted() throws {
        let elements = try #require(try read(#"[{"a":1},{"a":{"a":2}},{"A":1,"a":2}]"#).arrayValue)
        #expect(elements[0].objectValue?["a"] == .integer(1))
        #expect(elements[1].objectValue?["a"]?.objectValue?["a"] == .integer(2))
        #expect(elements[2].objectValue?["A"] == .integer(1) && elements[2].objectValue?["a"] == .integer(2))
    }

    @Test func depth16IsReadAnd17IsNot() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: depth) + String(repeating: close, count: depth)
        }
        _ = try read(nested(16, "[", "]"))
        let error = #expect(throws: JSONError.self) { try read(nested(17, "[", "]")) }
        #expect(error?.reason == "nested too deeply")
        // A value is a level too.
        _ = try read(nested(15, "[", "]").replacing("[]", with: "[1]"))
        #expect(throws: JSONError.self) { try read(nested(16, "[", "]").replacing("[]", with: "[1]")) }
        _ = try read(String(repeating: "{\"a\":", count: 15) + "{}" + String(repeating: "}", count: 15))
        #expect(throws: JSONError.self) {
            try read(String(repeating: "{\"a\":", count: 16) + "{}" + String(repeating: "}", count: 16))
        }
        #expect(throws: JSONError.self) { try read(String(repeating: "[", count: 1_000_000)) }
    }

    @Test func errorNamesThePositionAndNoContent() throws {
        let error = #expect(throws: JSONError.self) { try read(#"{"a":"canary" canary}"#) }
        #expect(error?.description == "no comma at byte 14")
    }

    @Test func randomMutationsDoNotCrash() {
        let good = Array(#" {"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83c\udfb5\n"],"é":{"b":{}},"c":"\\\"\/"} "#.utf8)
        #expect((try? JSONReader.read(good)) != nil)
        var random = SeededRandom(seed: 7)
        var accepted = 0
        for _ in 0..<10_000 where (try? JSONReader.read(random.mutated(good))) != nil { accepted += 1 }
        // Some mutations are JSON and most are not; all or none would mean that nothing was tried.
        #expect((1..<5000).contains(accepted))
    }
}
