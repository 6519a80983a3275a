import Cryptography
import KeyManagement
import TestSupport
import Testing

@Suite struct KeyRingDocumentTests {
    private func read(_ text: String) throws(KeyRingError) -> KeyRing {
        try KeyRingDocument(json: Array(text.utf8)).ring(unwrappedBy: nil)
    }

    @Test(arguments: [["v2", "v10", "v1a"], ["v1a", "v10", "v2"], ["v10", "v1a", "v2"]])
    func versionsHaveOneOrder(versions: [String]) {
        #expect(KeyRing.sorted(versions) == ["v2", "v10", "v1a"])
    }

    @Test func goodRingIsRead() throws {
        let ring = try read(#" {"keys":{"v1":"\#(RingText.one)","v2":"\#(RingText.two)"},"current":"v2"} "#)
        #expect(ring.current == "v2")
        #expect(ring.versions == ["v1", "v2"])
        #expect(ring.keys["v1"] == SymmetricKey([UInt8](repeating: 1, count: 32)))
        #expect(ring.keys["v2"] == SymmetricKey([UInt8](repeating: 2, count: 32)))
    }

    @Test(arguments: ["a", "A-Z.a_z-09", String(repeating: "v", count: 255)])
    func versionOfEveryAllowedShapeIsRead(_ version: String) throws {
        #expect(try read(#"{"current":"\#(version)","keys":{"\#(version)":"\#(RingText.one)"}}"#).current == version)
    }

    @Test(arguments: ["", "a b", "a/b", "a:b", "é", "a\\u0000", "a\\n", String(repeating: "v", count: 256)])
    func versionOfAnotherShapeIsRefused(_ version: String) {
        #expect(throws: KeyRingError.self) {
            try read(#"{"current":"\#(version)","keys":{"\#(version)":"\#(RingText.one)"}}"#)
        }
    }

    @Test(arguments: [
        Row("not JSON", "{"), Row("empty", ""), Row("array", "[]"), Row("null", "null"),
        Row("unknown member", #"{"current":"v1","keys":{"v1":"\#(RingText.one)"},"more":1}"#),
        Row("no current", #"{"keys":{"v1":"\#(RingText.one)"}}"#),
        Row("current a number", #"{"current":1,"keys":{"1":"\#(RingText.one)"}}"#),
        Row("no keys", #"{"current":"v1"}"#), Row("keys empty", #"{"current":"v1","keys":{}}"#),
        Row("keys an array", #"{"current":"v1","keys":["\#(RingText.one)"]}"#),
        Row("current not among the keys", #"{"current":"v2","keys":{"v1":"\#(RingText.one)"}}"#),
        Row("current in another case", #"{"current":"V1","keys":{"v1":"\#(RingText.one)"}}"#),
        Row("version twice", #"{"current":"v1","keys":{"v1":"\#(RingText.one)","v1":"\#(RingText.two)"}}"#),
        Row("key a number", #"{"current":"v1","keys":{"v1":1}}"#),
        Row("key null", #"{"current":"v1","keys":{"v1":null}}"#),
    ])
    func ringOfAnotherShapeIsRefused(_ row: Row<String>) {
        #expect(throws: KeyRingError.self) { try read(row.value) }
    }

    @Test(arguments: [
        Row("31 bytes", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=="),
        Row("33 bytes", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB"),
        Row("empty", ""), Row("no padding", String(RingText.one.dropLast())),
        Row("too much padding", RingText.one + "="),
        Row("base64url", "-_EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="), Row("line break", RingText.one + "\\n"),
        Row("space", " " + RingText.one), Row("bits left over", "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQF="),
        Row("padding within", "AQ==AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="),
        Row("hexadecimal", String(repeating: "01", count: 32)),
    ])
    func keyOfAnotherLengthOrEncodingIsRefusedByItsVersion(_ row: Row<String>) throws {
        let error = #expect(throws: KeyRingError.self) {
            try read(#"{"current":"good","keys":{"good":"\#(RingText.two)","the-bad-one":"\#(row.value)"}}"#)
        }
        let message = try #require(error).description
        #expect(message.contains("the-bad-one") && !message.contains("AQ") && !message.contains("0101"))
    }

    @Test func ringDescribesItselfWithoutItsKeys() throws {
        let ring = try read(#"{"current":"v1","keys":{"v1":"Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE="}}"#)
        var dumped = ""
        dump(ring, to: &dumped)
        for text in ["\(ring)", String(reflecting: ring), dumped] {
            #expect(!text.contains("canary") && !text.contains("Y2Fu") && !text.contains("99, 97"))
        }
    }
}
