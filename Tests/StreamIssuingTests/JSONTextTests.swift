import StreamIssuing
import TestSupport
import Testing

/// RFC 8259 §7.
@Suite struct JSONTextTests {
    private func quoted(_ text: String) -> String {
        var json = JSONText()
        json.append(quoted: text)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(arguments: [
        Row("", #""""#), Row("plain", #""plain""#), Row(#"a"b"#, #""a\"b""#), Row(#"a\b"#, #""a\\b""#),
        Row(#"\""#, #""\\\"""#),
        Row("a/b", #""a/b""#), Row("\n", #""\u000a""#), Row("\r\n", #""\u000d\u000a""#), Row("\t", #""\u0009""#),
        Row("\0", #""\u0000""#),
        Row("\u{1F}", #""\u001f""#), Row("\u{7F}", #""\u007f""#), Row("é", #""é""#), Row("音楽", #""音楽""#),
        Row("🎵", #""🎵""#),
        Row("e\u{301}", "\"e\u{301}\""), Row("\u{2028}", "\"\u{2028}\""), Row("</script>", #""</script>""#),
    ])
    func stringIsEscaped(_ row: Row<String>) {
        #expect(Array(quoted(row.name).utf8) == Array(row.value.utf8))
    }

    @Test func everyControlCharacterIsEscapedAndEveryOtherASCIICharacterIsNot() {
        for value in UInt8.min..<128 {
            let isEscaped = value < 0x20 || value == 0x7F || value == UInt8(ascii: "\"") || value == UInt8(ascii: "\\")
            #expect((quoted(String(Unicode.Scalar(value))).utf8.count > 3) == isEscaped, "\(value)")
        }
    }

    @Test(arguments: [Int64.min, -1, 0, 15_728_640, .max])
    func numberIsWrittenInFull(_ number: Int64) {
        var json = JSONText()
        json.append(number)
        #expect(String(decoding: json.bytes, as: UTF8.self) == "\(number)")
    }

    @Test func streamURLHasTheFiveMembersOfTheContractInItsOrder() {
        var json = JSONText()
        json.append(
            StreamURL(
                url: "https://media.example.com/audio/a%20b.mp3?X-Amz-Expires=120&X-Amz-Signature=0f",
                expiresAt: UnixTime(seconds: 1_767_875_520), contentType: #"audio/ogg; codecs="opus""#,
                fileSizeInBytes: 15_728_640))
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"streamUrl":"https://media.example.com/audio/a%20b.mp3?X-Amz-Expires=120&X-Amz-Signature=0f","#
                + #""expiresAt":"2026-01-08T12:32:00Z","contentType":"audio/ogg; codecs=\"opus\"","fileSizeBytes":15728640,"#
                + #""supportsRangeRequests":true}"#)
    }

    @Test func waveformURLHasThreeMembers() {
        var json = JSONText()
        json.append(
            StreamURL(
                part: .waveform, url: "https://media.example.com/waveforms/a.json",
                expiresAt: UnixTime(seconds: 1_767_875_520), contentType: "application/json", fileSizeInBytes: 0))
        #expect(
            String(decoding: json.bytes, as: UTF8.self)
                == #"{"waveformUrl":"https://media.example.com/waveforms/a.json","expiresAt":"2026-01-08T12:32:00Z","#
                + #""contentType":"application/json"}"#)
    }

    @Test func removingAllEmptiesTheText() {
        var json = JSONText()
        json.append("[1]")
        json.removeAll()
        json.append("{}")
        #expect(json.bytes == Array("{}".utf8))
    }
}
