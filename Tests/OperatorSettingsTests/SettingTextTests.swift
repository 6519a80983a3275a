import OperatorSettings
import TestSupport
import Testing

@Suite struct SettingTextTests {
    private func reason(_ text: String, isDocument: Bool = false, quotesAreMeant: Bool = false) -> String? {
        do {
            _ = try SettingText.cleaned(text, isDocument: isDocument, quotesAreMeant: quotesAreMeant)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        Row("a", "a"), Row("", ""), Row("a\n", "a"), Row("a\r\n", "a"), Row("a\n\r\n\n", "a"), Row("\n", ""),
        Row("\u{FEFF}a", "a"), Row("\u{FEFF}", ""), Row("\u{FEFF}a\r\n", "a"), Row(" a ", " a "), Row("é音🎵", "é音🎵"),
        Row("\"a", "\"a"), Row("a'", "a'"), Row("\"a'", "\"a'"), Row("\"", "\""), Row("a\"b\"c", "a\"b\"c"),
    ])
    func whatToolsAddIsTakenAway(_ row: Row<String>) throws {
        #expect(try SettingText.cleaned(row.name) == row.value)
    }

    @Test(arguments: [
        Row("a\nb", "has a line break inside; write it in one line"),
        Row("a\r\nb", "has a line break inside; write it in one line"),
        Row("\na", "has a line break inside; write it in one line"),
        Row("a\tb", "has the control character U+0009 inside; remove it"),
        Row("a\u{0}", "has the control character U+0000 inside; remove it"),
        Row("\u{7F}a", "has the control character U+007F inside; remove it"),
        Row("a\u{85}b", "has the control character U+0085 inside; remove it"),
        Row("a\u{FEFF}b", "has the control character U+FEFF inside; remove it"),
        Row("a\u{FFFD}", "is not UTF-8"),
    ])
    func characterThatCannotBeMeantIsRefused(_ row: Row<String>) {
        #expect(reason(row.name) == row.value)
    }

    @Test(arguments: ["\"a\"", "'a'", "\"\"", "''", "\"a\"\n", "\u{FEFF}'a'"])
    func quotesAroundTheTextAreRefusedWhereTheyAreNotMeant(_ text: String) {
        #expect(reason(text)?.hasPrefix("stands in quotes") == true)
        #expect(reason(text, quotesAreMeant: true) == nil)
    }

    @Test func documentMayHaveSeveralLines() throws {
        #expect(try SettingText.cleaned("\u{FEFF}{\r\n\t\"a\": 1\n}\n", isDocument: true) == "{\r\n\t\"a\": 1\n}")
        #expect(reason("{\u{0}}", isDocument: true) == "has the control character U+0000 inside; remove it")
    }
}
