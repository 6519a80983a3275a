import Glibc
@testable import novatune_streamd
import TestSupport
import StreamIssuing
import Testing

/// `NAME_FILE` instead of `NAME`.
@Suite struct SecretFileTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func environment(_ file: String) -> [String: String] {
        Environments.least(with: ["NOVATUNE_DATABASE_URL": nil, "NOVATUNE_DATABASE_URL_FILE": file])
    }

    @Test(arguments: ["dbname=file", "dbname=file\n", "dbname=file\r\n"])
    func valueIsReadWithoutItsLineBreak(_ contents: String) throws {
        #expect(try Environments.read(environment(try directory.write(contents, as: "f"))).database.url == "dbname=file")
    }

    /// The opening of a pipe that no process writes to would never return.
    @Test func whatIsNoRegularFileIsRefusedAtOnce() throws {
        let pipe = directory.path("pipe")
        #expect(unsafe mkfifo(pipe, 0o600) == 0)
        for path in [pipe, directory.path, "/dev/zero"] {
            #expect(
                Environments.complaints(environment(path)) == [
                    "NOVATUNE_DATABASE_URL_FILE: \(path) is not a regular file, which is read again whenever it changes"
                ])
        }
    }

    @Test func onlyOneLineBreakAndNoSpaceIsTakenAway() throws {
        #expect(try Environments.read(environment(try directory.write(" dbname=a \n\n", as: "f"))).database.url == " dbname=a \n")
    }

    @Test func everySecretMayComeFromAFile() throws {
        for name in SettingName.allCases where name.mayComeFromFile && Environments.least[name.rawValue] != nil {
            let file = try directory.write((Environments.least[name.rawValue] ?? "") + "\n", as: "f")
            _ = try Environments.read(Environments.least(with: [name.rawValue: nil, name.fileName: file]))
        }
    }

    @Test func missingFileIsOneComplaintThatNamesIt() {
        let path = directory.path("none")
        #expect(
            Environments.complaints(environment(path))
                == ["NOVATUNE_DATABASE_URL_FILE: cannot read \(path): No such file or directory"])
    }

    @Test func directoryIsNoFile() {
        #expect(Environments.complaints(environment(directory.path)).count == 1)
    }

    @Test(arguments: ["", "\n", "\r\n"])
    func emptyFileIsOneComplaint(_ contents: String) throws {
        let file = try directory.write(contents, as: "f")
        #expect(Environments.complaints(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is empty"])
    }

    @Test func fileThatIsNotUTF8IsOneComplaint() throws {
        let file = try directory.write([0xFF, 0xFE], as: "f")
        #expect(Environments.complaints(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is not UTF-8"])
    }

    @Test func fileBeyondAMebibyteIsRefused() throws {
        let file = try directory.write([UInt8](repeating: 0x61, count: 1 << 20 + 1), as: "f")
        #expect(Environments.complaints(environment(file)) == ["NOVATUNE_DATABASE_URL_FILE: \(file) is larger than 1 MiB"])
    }

    @Test func bothFormsAtOnceAreRefused() throws {
        let file = try directory.write("x", as: "f")
        #expect(
            Environments.complaints(Environments.least(with: ["NOVATUNE_DATABASE_URL_FILE": file]))
                == ["NOVATUNE_DATABASE_URL and NOVATUNE_DATABASE_URL_FILE are both set; keep one"])
    }
}
