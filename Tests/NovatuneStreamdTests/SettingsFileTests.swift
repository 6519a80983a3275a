@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SettingsFileTests {
    private func changed(_ text: String, _ name: String, _ value: String) -> String {
        var file = SettingsFile(text)
        file.set(name, value)
        return file.text
    }

    @Test func lineThatSetsItIsReplacedAndOthersStay() {
        let text = "# mine\nNOVATUNE_S3_BUCKET=a\n\nNOVATUNE_LOOPS=2\n"
        #expect(changed(text, "NOVATUNE_S3_BUCKET", "b") == "# mine\nNOVATUNE_S3_BUCKET=b\n\nNOVATUNE_LOOPS=2\n")
    }

    @Test func commentOfThePackagedFileBecomesTheLine() {
        let text = "# meaning\n#NOVATUNE_S3_BUCKET=\n\n# meaning\n#NOVATUNE_LOOPS=\n"
        #expect(
            changed(text, "NOVATUNE_S3_BUCKET", "b")
                == "# meaning\nNOVATUNE_S3_BUCKET=b\n\n# meaning\n#NOVATUNE_LOOPS=\n")
    }

    @Test(arguments: [
        Row("NOVATUNE_DATABASE_URL_FILE=/file\n", "NOVATUNE_DATABASE_URL=x\n"),
        Row("#NOVATUNE_DATABASE_URL_FILE=\n", "NOVATUNE_DATABASE_URL=x\n"),
        Row("NOVATUNE_DATABASE_URL=y\nNOVATUNE_DATABASE_URL_FILE=/file\n", "NOVATUNE_DATABASE_URL=x\n"),
        Row("", "NOVATUNE_DATABASE_URL=x\n"), Row("# end", "# end\nNOVATUNE_DATABASE_URL=x\n"),
    ])
    func bothFormsOfANameAreOneSetting(_ row: Row<String>) {
        #expect(changed(row.name, "NOVATUNE_DATABASE_URL", "x") == row.value)
    }

    @Test func nameThatBeginsLikeAnotherIsAnother() {
        let text = "NOVATUNE_S3_ENDPOINT_PATH=kept\n"
        #expect(changed(text, "NOVATUNE_S3_ENDPOINT", "x") == text + "NOVATUNE_S3_ENDPOINT=x\n")
    }

    @Test func settingThatIsTakenBackIsTheCommentAgain() {
        var file = SettingsFile("NOVATUNE_LOOPS=2\nNOVATUNE_S3_BUCKET=a\n")
        file.unset("NOVATUNE_LOOPS")
        #expect(file.text == "#NOVATUNE_LOOPS=\nNOVATUNE_S3_BUCKET=a\n")
    }

    @Test(arguments: ["plain", "a b", " a ", "\"a\"", "'a'", "a=b", "#a", "\""])
    func valueIsReadAsItWasWritten(_ value: String) throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(changed("", "NOVATUNE_S3_REGION", value), as: "c")
        #expect(ConfigFile(reading: path).values == ["NOVATUNE_S3_REGION": value])
        #expect(SettingsFile("NOVATUNE_S3_REGION=\(value)\n").values.keys.sorted() == ["NOVATUNE_S3_REGION"])
    }
}
