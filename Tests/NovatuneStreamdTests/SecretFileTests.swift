import OperatorSettings
import Glibc
@testable import novatune_streamd
import TestSupport
import SigV4
import StreamIssuing
import Testing

/// `NAME_FILE` instead of `NAME`.
@Suite struct SecretFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func environment(_ file: String) -> [String: String] {
        Environments.least(with: ["NOVATUNE_DATABASE_URL": nil, "NOVATUNE_DATABASE_URL_FILE": file])
    }

    @Test(arguments: ["dbname=file", "dbname=file\n", "dbname=file\r\n", "dbname=file\n\n", "\u{FEFF}dbname=file\n"])
    func valueIsReadWithoutItsLineBreaks(_ contents: String) throws {
        #expect(
            try Environments.read(environment(try directory.write(contents, as: "f"))).database.url == "dbname=file")
    }

    /// The opening of a pipe that no process writes to would never return.
    @Test func fileOtherThanARegularOneIsRefusedImmediately() throws {
        let pipe = directory.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for path in [pipe, directory.path, "/dev/zero"] {
            #expect(
                Environments.issues(environment(path)) == [
                    "NOVATUNE_DATABASE_URL_FILE: \(path) is not a regular file, which is read again whenever it changes"
                ])
        }
    }

    @Test func noSpaceIsRemoved() throws {
        #expect(
            try Environments.read(environment(try directory.write(" dbname=a \n", as: "f"))).database.url
                == " dbname=a ")
    }

    @Test(arguments: [
        Row("dbname=a\nuser=canary", "has a line break inside; write it in one line"),
        Row("dbname=canary\0", "has the control character U+0000 inside; remove it"),
        Row(
            "'dbname=canary'\n",
            "stands in quotes, which only the --config file takes away; write it without them, or there"),
    ])
    func textThatCannotBeMeantIsRefusedByFileAndName(_ row: Row<String>) throws {
        let file = try directory.write(row.name, as: "f")
        #expect(Environments.issues(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) \(row.value)"])
    }

    @Test func documentInAFileMayHaveSeveralLines() throws {
        let document = "\u{FEFF}{\r\n\t\"Version\": 1,\n\"AccessKeyId\": \"id\", \"SecretAccessKey\": \"s\"\n}\n"
        let file = try directory.write(document, as: "f")
        let environment = Environments.least(with: [
            "NOVATUNE_S3_ACCESS_KEY_ID": nil, "NOVATUNE_S3_SECRET_ACCESS_KEY": nil,
            "NOVATUNE_S3_CREDENTIALS_FILE": file,
        ])
        #expect(try Environments.readSecrets(environment).storeCredentials.accessKeyID == "id")
    }

    @Test func everySecretMayComeFromAFile() throws {
        for setting in AllSettings.declarations {
            guard let fileName = setting.fileName, let value = Environments.least[setting.name] else { continue }
            let file = try directory.write(value + "\n", as: "f")
            #expect(
                Environments.issues(Environments.least(with: [setting.name: nil, fileName: file])) == [], "\(fileName)")
        }
    }

    @Test func missingFileIsOneIssueThatNamesIt() {
        let path = directory.path("none")
        #expect(
            Environments.issues(environment(path))
                == ["NOVATUNE_DATABASE_URL_FILE: cannot read \(path): No such file or directory"])
    }

    @Test func directoryIsRefused() {
        #expect(Environments.issues(environment(directory.path)).count == 1)
    }

    @Test(arguments: ["", "\n", "\r\n", "\u{FEFF}", "\n\n"])
    func emptyFileIsOneIssue(_ contents: String) throws {
        let file = try directory.write(contents, as: "f")
        #expect(Environments.issues(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is empty"])
    }

    @Test func fileThatIsNotUTF8IsOneIssue() throws {
        let file = try directory.write([0xFF, 0xFE], as: "f")
        #expect(Environments.issues(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is not UTF-8"])
    }

    @Test func fileBeyondAMebibyteIsRefused() throws {
        let file = try directory.write([UInt8](repeating: 0x61, count: 1 << 20 + 1), as: "f")
        #expect(Environments.issues(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is larger than 1 MiB"])
    }

    @Test func bothFormsTogetherAreRefused() throws {
        let file = try directory.write("x", as: "f")
        #expect(
            Environments.issues(Environments.least(with: ["NOVATUNE_DATABASE_URL_FILE": file]))
                == ["NOVATUNE_DATABASE_URL and NOVATUNE_DATABASE_URL_FILE are both set; keep one"])
    }
}
