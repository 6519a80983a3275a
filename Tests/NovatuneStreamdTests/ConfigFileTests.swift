import OperatorSettings
import PostgreSQLTrackStore
import S3ObjectStore
@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct ConfigFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func source(_ config: String, _ environment: [String: String] = [:]) throws -> SettingsSource {
        SettingsSource(environment: environment, configPath: try directory.write(config, as: "c"))
    }

    private func issues(_ config: String, _ environment: [String: String] = [:]) throws -> [String] {
        try source(config, environment).issues.map(\.description)
    }

    @Test(arguments: [
        Row("NOVATUNE_S3_REGION=a b", "a b"), Row("NOVATUNE_S3_REGION=\"a b\"", "a b"),
        Row("NOVATUNE_S3_REGION=' a '", " a "),
        Row(" NOVATUNE_S3_REGION = a ", "a"), Row("NOVATUNE_S3_REGION=a=b", "a=b"),
        Row("NOVATUNE_S3_REGION=\"a'", "\"a'"),
        Row("NOVATUNE_S3_REGION='", "'"), Row("NOVATUNE_S3_REGION=a # no comment", "a # no comment"),
        Row("# comment\n\n  # another\nNOVATUNE_S3_REGION=a\n\n", "a"),
        Row("NOVATUNE_S3_REGION=a\r\nNOVATUNE_S3_BUCKET=b\r\n", "a"),
    ])
    func lineIsRead(_ row: Row<String>) throws {
        #expect(try source(row.name).text(S3Setting.region) == row.value)
        #expect(try issues(row.name) == [])
    }

    @Test func linesEndedByCRLFAreRead() throws {
        #expect(try source("NOVATUNE_S3_REGION=a\r\nNOVATUNE_S3_BUCKET=b\r\n").text(S3Setting.bucket) == "b")
    }

    @Test func environmentOverridesTheFile() throws {
        let source = try source(
            "NOVATUNE_S3_REGION=file\nNOVATUNE_S3_BUCKET=file", ["NOVATUNE_S3_REGION": "environment"])
        #expect(source.text(S3Setting.region) == "environment" && source.text(S3Setting.bucket) == "file")
    }

    /// Compose files and unit files pass a variable on though it is not set.
    @Test(arguments: ["", "\n", "\r\n", "\u{FEFF}"])
    func emptyVariableDoesNotHideTheFilesValue(_ empty: String) throws {
        let secret = try directory.write("secret of the file", as: "s")
        let source = try source(
            "NOVATUNE_S3_REGION=file\nNOVATUNE_DATABASE_URL_FILE=\(secret)",
            ["NOVATUNE_S3_REGION": empty, "NOVATUNE_DATABASE_URL": empty, "NOVATUNE_DATABASE_URL_FILE": empty])
        #expect(source.text(S3Setting.region) == "file")
        #expect(source.text(DatabaseSetting.url) == "secret of the file" && source.issues == [])
    }

    @Test func emptyVariableOfAnUnknownNameIsRefused() throws {
        let expected = ["NOVATUNE_TYPO: no such setting; see 'novatune-streamd settings'"]
        #expect(try issues("", ["NOVATUNE_TYPO": ""]) == expected)
    }

    @Test func byteOrderMarkBeforeTheFirstLineIsIgnored() throws {
        #expect(try source("\u{FEFF}NOVATUNE_S3_REGION=a\n").text(S3Setting.region) == "a")
        #expect(try issues("\u{FEFF}# comment\n") == [])
    }

    @Test func quotesInsideOfTheFilesQuotesArePartOfTheValue() throws {
        #expect(try source("NOVATUNE_DATABASE_URL=\"'a'\"").text(DatabaseSetting.url) == "'a'")
        #expect(try issues("NOVATUNE_DATABASE_URL=\"'a'\"") == [])
    }

    @Test(arguments: [
        Row("a\tb", "has the control character U+0009 inside; remove it"),
        Row("a\rb", "has a line break inside; write it in one line"),
        Row("\"a\u{1}\"", "has the control character U+0001 inside; remove it"),
    ])
    func controlCharacterInTheFileIsRefusedByItsSetting(_ row: Row<String>) throws {
        #expect(try issues("NOVATUNE_S3_REGION=\(row.name)") == ["NOVATUNE_S3_REGION: \(row.value)"])
    }

    @Test func valueOfTheFileThatTheEnvironmentReplacesIsNotExamined() throws {
        #expect(try issues("NOVATUNE_S3_REGION=a\u{1}b", ["NOVATUNE_S3_REGION": "c"]) == [])
    }

    @Test func environmentsValueReplacesTheFilesFileForm() throws {
        let secret = try directory.write("secret of the file", as: "s")
        let config = "NOVATUNE_DATABASE_URL_FILE=\(secret)"
        #expect(try source(config).text(DatabaseSetting.url) == "secret of the file")
        #expect(try source(config, ["NOVATUNE_DATABASE_URL": "environment"]).text(DatabaseSetting.url) == "environment")
        #expect(try issues(config, ["NOVATUNE_DATABASE_URL": "environment"]) == [])
    }

    @Test func environmentsFileFormReplacesTheFilesValue() throws {
        let secret = try directory.write("secret of the file", as: "s")
        let environment = ["NOVATUNE_DATABASE_URL_FILE": secret]
        #expect(
            try source("NOVATUNE_DATABASE_URL=config", environment).text(DatabaseSetting.url) == "secret of the file")
        #expect(try issues("NOVATUNE_DATABASE_URL=config", environment) == [])
    }

    @Test func bothFormsInOneSourceAreRefused() throws {
        let secret = try directory.write("x", as: "s")
        let both = ["NOVATUNE_DATABASE_URL and NOVATUNE_DATABASE_URL_FILE are both set; keep one"]
        #expect(try issues("NOVATUNE_DATABASE_URL=a\nNOVATUNE_DATABASE_URL_FILE=\(secret)") == both)
        #expect(try issues("", ["NOVATUNE_DATABASE_URL": "a", "NOVATUNE_DATABASE_URL_FILE": secret]) == both)
    }

    @Test(arguments: [
        Row("NOVATUNE_S3_REGION=a\ncanary", ":2: not NOVATUNE_NAME=value"),
        Row("NOVATUNE_S3_REGION=a\n\nNOVATUNE_S3_REGION=canary", ":3: NOVATUNE_S3_REGION twice"),
        Row("PATH=canary", ":1: not NOVATUNE_NAME=value"), Row("=canary", ":1: not NOVATUNE_NAME=value"),
        // A value in several lines, and a key's padding looks like NAME=.
        Row("NOVATUNE_CACHE_KEYS='{\n  \"v1\": \"canary=\"\n}'", ":2: not NOVATUNE_NAME=value"),
        Row("canary=", ":1: not NOVATUNE_NAME=value"),
    ])
    func badLineIsNamedByItsNumberAndNotQuoted(_ row: Row<String>) throws {
        let issues = try issues(row.name)
        #expect(issues.contains { $0.hasSuffix(row.value) })
        #expect(!issues.joined().contains("canary"))
    }

    @Test func unknownNameInTheFileIsRefused() throws {
        #expect(try issues("NOVATUNE_TYPO=1") == ["NOVATUNE_TYPO: no such setting; see 'novatune-streamd settings'"])
    }

    @Test(arguments: ["none", "none/at/all", ""])
    func fileThatCannotBeReadIsOneLineThatNamesIt(_ name: String) {
        let path = directory.path(name)
        let issues = Environments.issues([:], config: path)
        #expect(issues.count == 1 && issues[0].hasPrefix("--config: ") && issues[0].contains(path), "\(issues)")
    }

    @Test func fileThatCannotBeReadIsAllThatOtherCommandsReport() {
        let source = SettingsSource(environment: [:], configPath: directory.path("none"))
        let path = directory.path("none")
        let expected = ["--config: cannot read \(path): No such file or directory"]
        let readers: [() throws -> Void] = [
            { _ = try SettingsReader.readInvalidation(source) },
            { _ = try SettingsReader.readKeys(source, file: nil) },
            { _ = try SettingsReader.readKeyWrapping(source) },
            { _ = try SettingsReader.readWithoutConnecting(source, inherited: [:]) },
        ]
        for read in readers {
            let error = #expect(throws: SettingsError.self) { try read() }
            #expect(error?.issues.map(\.description) == expected)
        }
    }
}
