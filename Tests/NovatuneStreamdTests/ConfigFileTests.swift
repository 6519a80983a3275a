@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct ConfigFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func values(_ config: String, _ environment: [String: String] = [:]) throws -> [SettingName: String] {
        SettingsSource(environment: environment, configPath: try directory.write(config, as: "c")).values
    }

    private func complaints(_ config: String, _ environment: [String: String] = [:]) throws -> [String] {
        SettingsSource(environment: environment, configPath: try directory.write(config, as: "c")).complaints
    }

    @Test(arguments: [
        Row("NOVATUNE_S3_REGION=a b", "a b"), Row("NOVATUNE_S3_REGION=\"a b\"", "a b"), Row("NOVATUNE_S3_REGION=' a '", " a "),
        Row(" NOVATUNE_S3_REGION = a ", "a"), Row("NOVATUNE_S3_REGION=a=b", "a=b"), Row("NOVATUNE_S3_REGION=\"a'", "\"a'"),
        Row("NOVATUNE_S3_REGION='", "'"), Row("NOVATUNE_S3_REGION=a # no comment", "a # no comment"),
        Row("# comment\n\n  # another\nNOVATUNE_S3_REGION=a\n\n", "a"), Row("NOVATUNE_S3_REGION=a\r\nNOVATUNE_S3_BUCKET=b\r\n", "a"),
    ])
    func lineIsRead(_ row: Row<String>) throws {
        #expect(try values(row.name)[.s3Region] == row.value)
        #expect(try complaints(row.name) == [])
    }

    @Test func linesOfAWindowsEditorAreLines() throws {
        #expect(try values("NOVATUNE_S3_REGION=a\r\nNOVATUNE_S3_BUCKET=b\r\n")[.s3Bucket] == "b")
    }

    @Test func environmentWins() throws {
        let values = try values("NOVATUNE_S3_REGION=file\nNOVATUNE_S3_BUCKET=file", ["NOVATUNE_S3_REGION": "environment"])
        #expect(values[.s3Region] == "environment" && values[.s3Bucket] == "file")
    }

    @Test func environmentsValueReplacesTheFilesFileForm() throws {
        let secret = try directory.write("secret of the file", as: "s")
        let config = "NOVATUNE_DATABASE_URL_FILE=\(secret)"
        #expect(try values(config)[.databaseURL] == "secret of the file")
        #expect(try values(config, ["NOVATUNE_DATABASE_URL": "environment"])[.databaseURL] == "environment")
        #expect(try complaints(config, ["NOVATUNE_DATABASE_URL": "environment"]) == [])
    }

    @Test func environmentsFileFormReplacesTheFilesValue() throws {
        let secret = try directory.write("secret of the file", as: "s")
        let environment = ["NOVATUNE_DATABASE_URL_FILE": secret]
        #expect(try values("NOVATUNE_DATABASE_URL=config", environment)[.databaseURL] == "secret of the file")
        #expect(try complaints("NOVATUNE_DATABASE_URL=config", environment) == [])
    }

    @Test func bothFormsInOneSourceAreRefused() throws {
        let secret = try directory.write("x", as: "s")
        let both = ["NOVATUNE_DATABASE_URL and NOVATUNE_DATABASE_URL_FILE are both set; keep one"]
        #expect(try complaints("NOVATUNE_DATABASE_URL=a\nNOVATUNE_DATABASE_URL_FILE=\(secret)") == both)
        #expect(try complaints("", ["NOVATUNE_DATABASE_URL": "a", "NOVATUNE_DATABASE_URL_FILE": secret]) == both)
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
        let complaints = try complaints(row.name)
        #expect(complaints.contains { $0.hasSuffix(row.value) })
        #expect(!complaints.joined().contains("canary"))
    }

    @Test func unknownNameInTheFileIsRefused() throws {
        #expect(try complaints("NOVATUNE_TYPO=1") == ["NOVATUNE_TYPO: no such setting; see 'novatune-streamd serve --help'"])
    }

    @Test func missingFileIsOneComplaint() {
        let complaints = SettingsSource(environment: [:], configPath: directory.path("none")).complaints
        #expect(complaints == ["--config: cannot read \(directory.path("none")): No such file or directory"])
    }
}
