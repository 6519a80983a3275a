import Glibc
@testable import novatune_streamd
import TestSupport
import Testing

/// Steps that work on files, in a directory of their own.
@Suite struct SetupStepsTests {
    private struct NoPrograms: CommandRunning {
        func output(_ command: ExternalCommand) -> CommandOutput { CommandOutput(status: 1) }
    }

    private let directory: TemporaryDirectory
    private let paths: SetupPaths

    init() throws {
        directory = try TemporaryDirectory()
        paths = SetupPaths(configuration: directory.path("etc"), nginx: directory.path("nginx"), account: "root")
    }

    private func context(_ given: [String: String]) -> SetupContext {
        var answers = SetupAnswers()
        for (name, text) in given { answers.set(name, text) }
        return SetupContext(
            paths: paths, runner: NoPrograms(), answers: answers, record: SetupRecord(), schemaDirectory: "/sql",
            renderer: "/render", program: "/program", makesNewPassword: false, owner: nil)
    }

    @Test func keyRingIsMadeOnceForItsGroup() throws {
        let context = context([:])
        let step = KeyRingStep(context: context)
        #expect(try !step.isDone())
        _ = try step.apply()
        let made = try SetupFiles.read(paths.keyRing)
        #expect(try step.isDone() && SetupFiles.permissions(of: paths.keyRing)?.mode == 0o640)
        #expect(made?.contains("\"v1\"") == true && context.record.madeKeyRing)
        unsafe chmod(paths.keyRing, 0o600)
        #expect(try !step.isDone())
        _ = try step.apply()
        #expect(try step.isDone() && SetupFiles.read(paths.keyRing) == made)
    }

    @Test func keyRingStaysUnlessDataIsRemoved() throws {
        let step = KeyRingStep(context: context([:]))
        _ = try step.apply()
        #expect(try step.undo(withData: false) == nil && step.isDone())
        #expect(try step.undo(withData: true) != nil && !step.isDone())
    }

    @Test func keyRingThatCannotBeReadIsNotReplaced() throws {
        try SetupFiles.makeDirectory(paths.configuration, mode: 0o750)
        try SetupFiles.write("{}", to: paths.keyRing, mode: 0o640)
        let step = KeyRingStep(context: context([:]))
        #expect(throws: SetupFailure.self) { try step.isDone() }
        #expect(try SetupFiles.read(paths.keyRing) == "{}")
    }

    @Test func settingsAreWrittenBesideTheOperatorsAndTakenOutAgain() throws {
        let text = "# mine\n#NOVATUNE_S3_BUCKET=\nNOVATUNE_LOOPS=2\n"
        try SetupFiles.makeDirectory(paths.configuration, mode: 0o750)
        try SetupFiles.write(text, to: paths.settings, mode: 0o640)
        let context = context([
            "NOVATUNE_S3_BUCKET": "audio", "SETUP_DATABASE_LOGIN": "peer", "NOVATUNE_NGINX_LISTEN": "80",
        ])
        let step = SettingsStep(context: context)
        #expect(try !step.isDone())
        _ = try step.apply()
        let written = try SetupFiles.read(paths.settings) ?? ""
        #expect(written.hasPrefix("# mine\nNOVATUNE_S3_BUCKET=audio\nNOVATUNE_LOOPS=2\n"))
        #expect(!written.contains("SETUP_") && !written.contains("NGINX"))
        #expect(try step.isDone())
        _ = try step.undo(withData: false)
        let left = try SetupFiles.read(paths.settings) ?? ""
        #expect(left.hasPrefix(text) && SettingsFile(left).values == ["NOVATUNE_LOOPS": "2"])
    }

    @Test func settingsFileThatSetupMadeGoesWithItsSettings() throws {
        let step = SettingsStep(context: context(["NOVATUNE_S3_BUCKET": "audio"]))
        _ = try step.apply()
        #expect(SetupFiles.permissions(of: paths.settings)?.mode == 0o640)
        _ = try step.undo(withData: false)
        #expect(!SetupFiles.exists(paths.settings))
    }

    @Test func emptyAnswerTakesASettingBack() throws {
        try SetupFiles.makeDirectory(paths.configuration, mode: 0o750)
        try SetupFiles.write("NOVATUNE_LOOPS=2\n", to: paths.settings, mode: 0o640)
        _ = try SettingsStep(context: context(["NOVATUNE_LOOPS": ""])).apply()
        #expect(try SetupFiles.read(paths.settings)?.hasPrefix("#NOVATUNE_LOOPS=\n") == true)
    }

    @Test func recordIsReadAsItWasWritten() {
        var record = SetupRecord()
        record.settings = ["A", "B"]
        record.removedDefaultSite = "/etc/nginx/sites-available/default"
        record.madeKeyRing = true
        #expect(SetupRecord(record.text) == record && !record.madeSettingsFile)
        record.settings = []
        record.removedDefaultSite = nil
        record.madeKeyRing = false
        #expect(record == SetupRecord())
    }

    @Test func siteWithoutCertificateIsRefusedUnlessAProxySpeaksTLS() {
        func verdicts(_ given: [String: String]) -> [CheckFinding.Verdict] {
            SetupCheck(answers: SetupAnswers(kept: given), paths: paths, environment: [:], owner: nil).findings(.nginx)
                .map(\.verdict)
        }
        let name = "NOVATUNE_NGINX_SERVER_NAME"
        #expect(verdicts([:]) == [.failed, .failed] && verdicts([name: "a.example"]) == [.failed])
        #expect(verdicts([name: "a.example", "NOVATUNE_NGINX_SCHEME": "http"]) == [.ok])
        #expect(verdicts([name: "a.example", "NOVATUNE_NGINX_CERTIFICATE": "/none"]) == [.failed, .failed])
    }

    @Test func wrongSettingOfAPartIsNamedByItsCheck() {
        let given = ["NOVATUNE_S3_BUCKET": "a", "NOVATUNE_S3_ENDPOINT": "x", "NOVATUNE_JWT_LEEWAY": "long"]
        let check = SetupCheck(answers: SetupAnswers(kept: given), paths: paths, environment: [:], owner: nil)
        let store = check.findings(.store)
        #expect(
            store.allSatisfy { $0.verdict == .failed } && store.contains { $0.detail.hasPrefix("NOVATUNE_S3_BUCKET: ") }
        )
        #expect(!store.contains { $0.detail.contains("JWT") || $0.detail.contains("DATABASE") })
        #expect(check.findings(.tokens).contains { $0.detail.hasPrefix("NOVATUNE_JWT_LEEWAY: ") })
        #expect(check.findings(.service).map(\.verdict) == [.ok])
        #expect(check.findings(.database).map(\.verdict) == [.failed])
    }

    static let ports: [Row<Int?>] = [
        Row("", nil), Row("8443", 8443), Row("[::]:443 80", 443), Row("127.0.0.1:8080", 8080), Row("[::1]", nil),
    ]

    @Test(arguments: ports)
    func portOfTheFirstAddressIsUsed(_ row: Row<Int?>) {
        #expect(FirstURLStep.port(row.name) == row.value)
    }

    @Test(arguments: [
        Row("", "127.0.0.1"), Row("443 [::]:443", "127.0.0.1"), Row("*:443", "127.0.0.1"), Row("[::]:443", "127.0.0.1"),
        Row("192.0.2.1:443", "192.0.2.1"), Row("[2001:db8::1]:443", "[2001:db8::1]"),
    ])
    func addressOfTheFirstListenIsAsked(_ row: Row<String>) {
        #expect(FirstURLStep.address(row.name) == row.value)
    }
}
