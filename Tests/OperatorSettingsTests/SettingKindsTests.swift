import OperatorSettings
import TestSupport
import Testing

@Suite struct SettingKindsTests {
    private enum Colour: String, CaseIterable {
        case red, green
    }

    private static let wait = Setting.duration(
        "NOVATUNE_WAIT", .milliseconds(10) ... .seconds(60), default: .seconds(2), "how long to wait")
    private static let count = Setting.number("NOVATUNE_COUNT", 1...16, default: 4, "how many")
    private static let share = Setting.share("NOVATUNE_SHARE", default: 0.5, "which part")
    private static let colour = Setting.choice(
        "NOVATUNE_COLOUR", of: Colour.allCases, default: .red, isReloadable: true, "which colour")
    private static let place = Setting.plainName("NOVATUNE_PLACE", length: 2...5, "which place")
    private static let secret = Setting.text("NOVATUNE_SECRET", .required, handling: .secret, "what no line shows")

    private func reason<Value>(_ setting: Setting<Value>, _ text: String) -> String? {
        do throws(InvalidValue) {
            _ = try setting.value(text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func valuesWithinTheRangeAreRead() throws {
        #expect(try Self.wait.value("10ms") == .milliseconds(10) && Self.wait.value("1m") == .seconds(60))
        #expect(try Self.count.value("1") == 1 && Self.count.value("16") == 16)
        #expect(try Self.share.value("0") == 0 && Self.share.value("1") == 1)
        #expect(try Self.colour.value("green") == .green)
        #expect(try Self.place.value("a-._9") == "a-._9")
        #expect(try Self.secret.value(" as it is ") == " as it is ")
    }

    @Test(arguments: [
        Row("9ms", "not from 10ms to 60s"), Row("61s", "not from 10ms to 60s"),
        Row("2", "not a duration such as 120s, 2m, 500ms or 00:02:00"),
    ])
    func durationIsRefusedWithItsRange(_ row: Row<String>) {
        #expect(reason(Self.wait, row.name) == row.value)
    }

    @Test(arguments: ["0", "17", "x", "4.0", "", "99999999999999999999"])
    func numberIsRefusedWithItsRange(_ text: String) {
        #expect(reason(Self.count, text) == "not a number from 1 to 16")
    }

    @Test(arguments: ["-0.1", "1.1", "nan", "inf", "x"])
    func shareIsRefusedWithItsRange(_ text: String) {
        #expect(reason(Self.share, text) == "not a number from 0 to 1")
    }

    @Test(arguments: ["Red", "blue", ""])
    func choiceIsRefusedWithItsWords(_ text: String) {
        #expect(reason(Self.colour, text) == "not one of red, green")
    }

    @Test(arguments: ["a", "abcdef", "a b", "a/b", "é1", ""])
    func nameIsRefusedWithItsCharacters(_ text: String) {
        #expect(reason(Self.place, text) == "not 2 to 5 of letters, digits, - . _")
    }

    @Test func declarationShowsWhatTheReaderDoes() {
        #expect(Self.wait.declaration.shownDefault == "2s" && Self.wait.declaration.allowed == "10ms to 60s")
        #expect(Self.wait.fallback == .seconds(2) && !Self.wait.declaration.isReloadable)
        #expect(Self.colour.declaration.shownDefault == "red" && Self.colour.declaration.allowed == "red, green")
        #expect(Self.colour.declaration.isReloadable)
        #expect(Self.place.declaration.presence == .required && Self.place.declaration.shownDefault == "required")
    }

    @Test func onlyASecretHasAFormThatNamesAFile() {
        #expect(Self.secret.declaration.fileName == "NOVATUNE_SECRET_FILE" && Self.secret.declaration.isSecret)
        #expect(Self.count.declaration.fileName == nil && !Self.count.declaration.isSecret)
        let command = Setting.text("NOVATUNE_COMMAND", handling: .hidden, "what to run").declaration
        #expect(command.fileName == nil && command.isSecret)
    }

    @Test func missingSettingIsNamedInBothForms() {
        #expect(SettingIssue.missing(Self.place.declaration).description == "NOVATUNE_PLACE is required")
        let secret = SettingIssue.missing(Self.secret.declaration)
        #expect(secret.description == "NOVATUNE_SECRET or NOVATUNE_SECRET_FILE is required")
        #expect(secret.subject == .setting("NOVATUNE_SECRET") && secret.isAboutSetting)
        #expect(!SettingIssue(.configFile, "--config: no such file").isAboutSetting)
    }
}
