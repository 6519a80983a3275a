import Glibc
import StreamIssuing
@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SetupAnswersTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func read(_ text: String, mode: mode_t = 0o600, kept: [String: String] = [:]) throws -> SetupAnswers {
        let path = try directory.write(text, as: "answers")
        unsafe chmod(path, mode)
        var answers = SetupAnswers(kept: kept)
        try answers.read(file: path)
        return answers
    }

    private func failure(_ text: String, mode: mode_t = 0o600) -> String {
        do {
            _ = try read(text, mode: mode)
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func linesOfTheServiceOfNginxAndOfSetupAreRead() throws {
        let answers = try read(
            "# mine\nNOVATUNE_S3_BUCKET=\"a\"\nNOVATUNE_NGINX_SERVER_NAME=b\nSETUP_DATABASE_LOGIN = peer\n")
        #expect(
            answers.values
                == ["NOVATUNE_S3_BUCKET": "a", "NOVATUNE_NGINX_SERVER_NAME": "b", "SETUP_DATABASE_LOGIN": "peer"])
        #expect(try answers.value(SetupSetting.login) == .peer)
    }

    @Test(arguments: [
        Row("NOVATUNE_TYPO=canary", ":1: not NOVATUNE_NAME=value"),
        Row("SETUP_TYPO=canary", ":1: not NOVATUNE_NAME=value"),
        Row("PATH=canary", ":1: not NOVATUNE_NAME=value"), Row("\ncanary", ":2: not NOVATUNE_NAME=value"),
        Row("NOVATUNE_S3_BUCKET=a\nNOVATUNE_S3_BUCKET=canary", ":2: NOVATUNE_S3_BUCKET twice"),
    ])
    func badLineIsNamedByItsNumberAndNotQuoted(_ row: Row<String>) {
        let failure = failure(row.name)
        #expect(failure.contains(row.value) && !failure.contains("canary"), "\(failure)")
    }

    @Test func secretInAFileForEveryAccountIsRefused() {
        let text = "NOVATUNE_S3_SECRET_ACCESS_KEY=canary\n"
        #expect(failure(text, mode: 0o644).contains("chmod 600") && !failure(text, mode: 0o644).contains("canary"))
        #expect(failure(text, mode: 0o640) == "" && failure("NOVATUNE_S3_BUCKET=a", mode: 0o644) == "")
    }

    @Test func secretOfTheCommandLineIsRefused() {
        var answers = SetupAnswers()
        for name in ["NOVATUNE_DATABASE_URL", "SETUP_DATABASE_OWNER_URL", "NOVATUNE_CACHE_URL"] {
            let failure = #expect(throws: SetupFailure.self) { try answers.read(argument: "\(name)=canary") }
            #expect(
                failure?.description.contains("\(name)_FILE") == true
                    && failure?.description.contains("canary") == false)
        }
        #expect(throws: Never.self) { try answers.read(argument: "NOVATUNE_DATABASE_URL_FILE=/file") }
        #expect(answers["NOVATUNE_DATABASE_URL_FILE"] == "/file")
    }

    @Test func answerReplacesWhatWasThereInEitherForm() throws {
        let kept = ["NOVATUNE_DATABASE_URL": "former", "NOVATUNE_S3_BUCKET": "former", "NOVATUNE_LOOPS": "2"]
        let answers = try read(
            "NOVATUNE_DATABASE_URL_FILE=/file\nNOVATUNE_S3_BUCKET=now\nNOVATUNE_LOOPS=\n", kept: kept)
        #expect(answers.values == ["NOVATUNE_DATABASE_URL_FILE": "/file", "NOVATUNE_S3_BUCKET": "now"])
    }

    @Test func secretOfAFileIsRead() throws {
        let path = try directory.write("postgresql:///db\n", as: "url")
        let answers = try read("SETUP_DATABASE_OWNER_URL_FILE=\(path)")
        #expect(try answers.value(SetupSetting.ownerURL) == SecretText("postgresql:///db"))
    }

    @Test func valueThatIsNotAllowedIsNamedAndNotQuoted() throws {
        let answers = try read("SETUP_DATABASE_LOGIN=canary\nSETUP_DATABASE_OWNER_URL=canary://a:canary@b\n")
        let login = #expect(throws: SetupFailure.self) { try answers.value(SetupSetting.login) }
        let url = #expect(throws: SetupFailure.self) { try answers.value(SetupSetting.ownerURL) }
        #expect(login?.reason == "SETUP_DATABASE_LOGIN: not one of password, peer")
        #expect(url?.reason.hasPrefix("SETUP_DATABASE_OWNER_URL: ") == true && url?.reason.contains("canary") == false)
        #expect("\(answers)" == "<redacted>")
    }
}
