import Cryptography
import KeyManagement
import OperatorSettings
import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import novatune_streamd

@Suite struct CredentialsCommandTests {
    private static let document =
        #"{"Version":1,"AccessKeyId":"id","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-08T12:32:00Z"}"#
    private let before = UnixTime(seconds: 1_767_875_519)
    private let place: TemporaryDirectory

    init() throws { place = try TemporaryDirectory() }

    /// A command that prints a file.
    private func printing(_ text: String) throws -> [String] { ["/bin/cat", try place.write(text, as: "document")] }

    private func refusal(_ arguments: [String], timeout: Duration = CredentialsCommand.timeLimit) throws -> String {
        let command = CredentialsCommand(arguments, timeout: timeout)
        let failure = try #require(
            #expect(throws: CredentialsService.Failure.self) { try command.credentials(at: before) })
        #expect(failure.isTemporary && !failure.description.contains("canary"))
        return failure.description
    }

    private func environment(_ command: String) -> [String: String] {
        Environments.least(with: [
            "NOVATUNE_S3_ACCESS_KEY_ID": nil, "NOVATUNE_S3_SECRET_ACCESS_KEY": nil,
            "NOVATUNE_S3_CREDENTIALS_COMMAND": command,
        ])
    }

    @Test func printedCredentialsAreTaken() throws {
        let credentials = try CredentialsCommand(printing(Self.document)).credentials(at: before)
        #expect(
            credentials
                == Credentials(
                    accessKeyID: "id", secretAccessKey: "s", sessionToken: "t",
                    expiration: UnixTime(rfc3339: "2026-01-08T12:32:00Z")))
    }

    @Test func credentialsThatHaveExpiredAreRefused() throws {
        let command = CredentialsCommand(try printing(Self.document))
        #expect(throws: CredentialsService.Failure.self) { try command.credentials(at: before.adding(.seconds(1))) }
        #expect(throws: Never.self) { try command.credentials(at: before) }
    }

    @Test func refusalNamesItsCauseAndNothingThatWasPrinted() throws {
        #expect(try refusal(["/nonexistent/program"]).contains("/nonexistent/program cannot be started: No such file"))
        #expect(try refusal(["/bin/sh", "-c", "echo canary; echo canary >&2; exit 7"]).contains("exit status 7"))
        #expect(try refusal(["/bin/true"]).contains("printed nothing"))
        #expect(try refusal(["/bin/echo", "canary"]).contains("not JSON"))
        #expect(try refusal(printing(#"{"Version":2,"AccessKeyId":"canary"}"#)).contains(#""Version" is not 1"#))
        #expect(try refusal(printing(#"{"Version":1,"AccessKeyId":"canary"}"#)).contains(#"no "SecretAccessKey""#))
        #expect(try refusal(["/usr/bin/yes"]).contains("more than"))
        #expect(try refusal(["/bin/sleep", "60"], timeout: .milliseconds(100)).contains("did not end in time"))
    }

    @Test func settingNamesItsProgramAndNotItsArguments() {
        let issues = Environments.issues(environment("/bin/sh -c 'echo canary; exit 7'"))
        #expect(issues.count == 1 && issues[0].hasPrefix("NOVATUNE_S3_CREDENTIALS_COMMAND: command /bin/sh failed"))
        #expect(!issues.joined().contains("canary"))
    }

    @Test(arguments: ["x", "bin/x", "/bin/echo 'x", "/bin/echo x\\", "[1]", "[]"])
    func textThatIsNoCommandIsOneIssue(_ text: String) {
        let issues = Environments.issues(environment(text))
        #expect(issues.count == 1 && issues[0].hasPrefix("NOVATUNE_S3_CREDENTIALS_COMMAND: not an absolute path"))
    }

    @Test func credentialsInTwoPlacesAreNotBothTaken() throws {
        let command = "/bin/cat \(try place.write(Self.document, as: "document"))"
        #expect(
            Environments.issues(Environments.least(with: ["NOVATUNE_S3_CREDENTIALS_COMMAND": command]))
                == ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].map {
                    "NOVATUNE_S3_\($0) and NOVATUNE_S3_CREDENTIALS_COMMAND are both set; keep one"
                })
        let service = environment(command).merging(["NOVATUNE_S3_CREDENTIALS_SOURCE": "container"]) { $1 }
        #expect(
            Environments.issues(service)
                == ["NOVATUNE_S3_CREDENTIALS_COMMAND and NOVATUNE_S3_CREDENTIALS_SOURCE are both set; keep one"])
    }

    @Test func settingsAloneAreReadWithoutTheCommand() throws {
        let marker = place.path("was-run")
        let local = try SettingsReader.readWithoutConnecting(
            SettingsSource(environment: environment("/usr/bin/touch \(marker)"), configPath: nil), inherited: [:])
        #expect(local.storeCredentials == nil && local.keyRing?.current == "v1")
        #expect(FileStamp(of: [marker]) == FileStamp(of: []))
    }

    @Test func settingsAloneAreReadWithoutAService() throws {
        // No variable says where the service is: a read that asked for it would be an issue.
        let environment = Environments.least(with: [
            "NOVATUNE_S3_ACCESS_KEY_ID": nil, "NOVATUNE_S3_SECRET_ACCESS_KEY": nil,
            "NOVATUNE_S3_CREDENTIALS_SOURCE": "container", "NOVATUNE_KMS_KEY_ID": "alias/k",
            "NOVATUNE_CACHE_KEYS": #"{"current":"v1","wrappedKeys":{"v1":"AQEBAQ=="}}"#,
        ])
        let source = SettingsSource(environment: environment, configPath: nil)
        let local = try SettingsReader.readWithoutConnecting(source, inherited: [:])
        #expect(local.storeCredentials == nil && local.keyRing == nil)
        #expect(throws: SettingsError.self) { try SettingsReader.read(source, inherited: [:]) }
    }

    @Test func knownCredentialsAreTakenWithoutTheCommand() throws {
        let marker = place.path("was-run")
        let source = SettingsSource(environment: environment("/usr/bin/touch \(marker)"), configPath: nil)
        let known = Credentials(accessKeyID: "known", secretAccessKey: "s")
        #expect(try SettingsReader.read(source, inherited: [:], known: known).secrets.storeCredentials == known)
        #expect(FileStamp(of: [marker]) == FileStamp(of: []))
    }
}

@Suite struct ShellWordsTests {
    /// As Python's shlex.split has them.
    @Test(arguments: [
        Row("/bin/x a  b\tc ", ["/bin/x", "a", "b", "c"]), Row(#""/opt/my tool/x" 'a b'"#, ["/opt/my tool/x", "a b"]),
        Row(#"/bin/x --a="b c"d"#, ["/bin/x", "--a=b cd"]), Row(#"/bin/x "" ''"#, ["/bin/x", "", ""]),
        Row(#"/bin/x a\ b \"c \\"#, ["/bin/x", "a b", "\"c", "\\"]),
        Row(#"/bin/x "a\"b\\c\d\$""#, ["/bin/x", #"a"b\c\d\$"#]),
        Row(#"/bin/x 'a\'"#, ["/bin/x", #"a\"#]),
        Row("/bin/x $HOME `id` ; # *", ["/bin/x", "$HOME", "`id`", ";", "#", "*"]),
        Row("", []), Row("  ", []),
    ])
    func wordsAreSplitByQuotesAlone(_ row: Row<[String]>) {
        #expect(ShellWords.split(row.name) == row.value)
    }

    @Test(arguments: ["'a", "\"a", "a'", "a\\", "\"a\\\"", "'a\" b"])
    func quotationWithoutAnEndIsNil(_ text: String) { #expect(ShellWords.split(text) == nil) }
}
