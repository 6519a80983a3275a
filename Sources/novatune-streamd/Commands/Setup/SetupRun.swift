import Glibc
import KeyManagement
import Logging
import OperatorSettings
import StreamIssuing

/// One call of `setup`: its answers, its checks and its steps.
final class SetupRun {
    private let options: Setup
    private let paths: SetupPaths
    private let environment: [String: String]
    private var answers: SetupAnswers
    private let token: SecretText?
    private let schemaDirectory: String
    private let renderer: String

    init(_ options: Setup, paths: SetupPaths = SetupPaths()) throws(SetupFailure) {
        self.options = options
        self.paths = paths
        environment = Environment.variables
        var answers = SetupAnswers(kept: try Self.kept(paths))
        if let path = options.answers { try answers.read(file: path) }
        for text in options.set { try answers.read(argument: text) }
        self.answers = answers
        token = try options.tryTokenFile.map { (path) throws(SetupFailure) in try Self.readToken(path) }
        schemaDirectory = Self.firstPath(options.sql, ["/usr/share/novatune/sql", "sql"])
        renderer = Self.firstPath(options.render, ["/usr/sbin/novatune-nginx", "nginx/render"])
        // Programs that run as another account may not be able to enter the present directory.
        unsafe _ = chdir("/")
    }

    private static func kept(_ paths: SetupPaths) throws(SetupFailure) -> [String: String] {
        let service = SettingsFile(try SetupFiles.read(paths.settings) ?? "").values
        let record = SetupFiles.exists(paths.nginxSettings) ? paths.nginxSettings : paths.nginxRecord
        let nginx = SettingsFile(try SetupFiles.read(record) ?? "").values.filter { SetupAnswers.isOfNginx($0.key) }
        return service.filter { !SetupAnswers.isOfNginx($0.key) }.merging(nginx) { $1 }
    }

    private static func readToken(_ path: String) throws(SetupFailure) -> SecretText {
        do {
            let text = String(decoding: try SecretFile.read(path, shownAs: path), as: UTF8.self)
            return SecretText(String(text[...].trimmed))
        } catch {
            throw SetupFailure("--try-token-file: \(error)", advice: "name a file that holds a token and no more")
        }
    }

    /// Absolute: setup changes its directory.
    private static func firstPath(_ given: String?, _ usual: [String]) -> String {
        let path = given ?? usual.first { SetupFiles.exists($0) } ?? usual[0]
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private var isInteractive: Bool { options.answers == nil && !options.yes && SetupTerminal.isThere }

    // MARK: Setting up

    /// - Returns: false where an answer is missing or does not work; nothing has been changed then.
    func setUp() throws(SetupFailure) -> Bool {
        guard try isInteractive ? askAndCheck() : check() else {
            Console.error("nothing has been changed; correct what has failed, then run setup again")
            return false
        }
        let context = try makeContext()
        let terminal = SetupTerminal()
        if isInteractive, !options.dryRun, !terminal.confirm("Set it up now?") {
            Console.print("nothing has been changed")
            return true
        }
        let lock = options.dryRun ? nil : try Self.lock()
        defer { if let lock { close(lock) } }
        let steps = try steps(context)
        let changes = try plan(steps).apply(isDryRun: options.dryRun) { () throws(SetupFailure) in
            try context.saveRecord()
        }
        summarise(changes, context)
        return true
    }

    /// Every part is checked, so that all failures are shown together.
    private func check() throws(SetupFailure) -> Bool {
        let owner = try makeOwner()
        var isValid = true
        for part in SetupPart.allCases where !check(part, owner) { isValid = false }
        return isValid
    }

    /// Asks for each part until what is said works.
    private func askAndCheck() throws(SetupFailure) -> Bool {
        let terminal = SetupTerminal()
        for part in SetupPart.allCases {
            while true {
                for question in part.questions where question.isAsked(answers) {
                    let former = answers[question.name] ?? SetupDefaults.derived(answers, paths)[question.name]
                    guard let text = terminal.ask(question, former: former) else { return false }
                    if text != former { answers.set(question.name, text) }
                }
                if part == .nginx, answers["NOVATUNE_NGINX_SCHEME"] == nil,
                    SetupDefaults.derived(answers, paths)["NOVATUNE_NGINX_SCHEME"] == nil,
                    terminal.confirm("Without a certificate: does a proxy in front speak TLS?")
                {
                    answers.set("NOVATUNE_NGINX_SCHEME", "http")
                }
                if check(part, try makeOwner()) { break }
                guard !part.questions.isEmpty else { return false }
            }
        }
        return true
    }

    private func check(_ part: SetupPart, _ owner: OwnerDatabase?) -> Bool {
        let check = SetupCheck(answers: answers, paths: paths, environment: environment, owner: owner)
        let findings = check.findings(part)
        for finding in findings {
            let level: Logger.Level =
                finding.verdict == .failed ? .error : finding.verdict == .warning ? .warning : .info
            Console.print("check \(finding.subject) … \(finding.verdict.rawValue): \(finding.detail)", level)
        }
        return !findings.contains { $0.verdict == .failed }
    }

    // MARK: Steps

    private func makeRunner(_ secrets: [SecretText] = []) -> CommandRunner {
        CommandRunner(secrets: answers.secrets + secrets, home: environment["HOME"] ?? "/root")
    }

    /// Nil where the schema is none of setup's business.
    private func makeOwner() throws(SetupFailure) -> OwnerDatabase? {
        var url = try answers.value(SetupSetting.ownerURL)
        if url == nil, !answers.has("NOVATUNE_DATABASE_URL"), answers.given[SetupSetting.ownerURL.name] == nil {
            url = SetupQuestion.localDatabase.map { SecretText($0) }
        }
        guard let url else { return nil }
        let account = try answers.value(SetupSetting.ownerAccount)
        let owner = OwnerDatabase(url: url, account: account, environment: environment, runner: makeRunner())
        // Once more, with a runner that knows the password.
        return OwnerDatabase(
            url: url, account: account, environment: environment,
            runner: makeRunner(owner.password.map { [$0] } ?? []))
    }

    private func makeContext() throws(SetupFailure) -> SetupContext {
        let owner = try makeOwner()
        return SetupContext(
            paths: paths, runner: makeRunner(owner?.password.map { [$0] } ?? []), answers: answers,
            record: SetupRecord(try SetupFiles.read(paths.record) ?? ""), schemaDirectory: schemaDirectory,
            renderer: renderer, program: SetupFiles.linkTarget("/proc/self/exe") ?? "novatune-streamd",
            makesNewPassword: options.newPassword, owner: owner)
    }

    private func steps(_ context: SetupContext) throws(SetupFailure) -> [any SetupStep] {
        var steps: [any SetupStep] = [AccountStep(context: context)]
        if let owner = context.owner {
            steps.append(DatabaseStep(owner: owner))
            steps.append(SchemaStep(context: context, owner: owner))
            let isLoginGiven = SettingsFile.forms("NOVATUNE_DATABASE_URL").contains {
                answers.given[$0]?.isEmpty == false
            }
            if !isLoginGiven {
                switch try answers.value(SetupSetting.login) ?? .password {
                case .password: steps.append(PasswordStep(context: context, owner: owner))
                case .peer: steps.append(PeerStep(context: context, owner: owner))
                }
            }
        }
        return steps + [
            KeyRingStep(context: context), SettingsStep(context: context), CheckStep(context: context),
            NginxStep(context: context), UnitsStep(context: context), ReloadStep(context: context),
            FirstURLStep(context: context, token: token, track: options.tryTrack),
        ]
    }

    private func plan(_ steps: [any SetupStep]) -> SetupPlan {
        SetupPlan(steps: steps) { title, verdict, detail in
            let level: Logger.Level = verdict == .failed ? .error : .info
            Console.print("step \(title) … \(verdict.rawValue)\(detail.isEmpty ? "" : ": \(detail)")", level)
        }
    }

    private static func lock() throws(SetupFailure) -> Int32 {
        let descriptor = unsafe open("/run/novatune-setup.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw SetupFailure("another setup is running", advice: "wait until it has ended")
        }
        return descriptor
    }

    private func summarise(_ changes: Int, _ context: SetupContext) {
        if options.dryRun {
            return Console.print(
                "dry run: \(changes == 0 ? "nothing would change" : "\(changes) steps would change something")")
        }
        Console.print(
            changes == 0 ? "nothing has changed: all of it was done before" : "done: \(changes) steps changed")
        guard changes > 0 else { return }
        let names = context.nginxSettings["NOVATUNE_NGINX_SERVER_NAME"] ?? "_"
        var left = [
            "users and tracks: the database's README has the statements ('Everyday tasks')",
            "a rule of the bucket (CORS), where web pages fetch audio by script: 'novatune-streamd check --config "
                + "\(paths.settings) --origin https://PLAYER' prints it",
        ]
        if names != "_" { left.insert("DNS: \(names) leads players to this machine", at: 0) }
        if context.nginxSettings["NOVATUNE_NGINX_SCHEME"] == "https" {
            left.append("'systemctl reload nginx' after each renewal of the certificate")
        } else {
            left.append("TLS: the proxy in front speaks it, and only it reaches this machine's port")
        }
        Console.print("left to you:\n" + left.map { "  - \($0)" }.joined(separator: "\n"))
    }

    // MARK: Removing

    func remove() throws(SetupFailure) -> Bool {
        let context = try makeContext()
        guard try SetupFiles.read(paths.record) != nil else {
            Console.print("nothing to remove: there is no \(paths.record), so setup has made nothing here")
            return true
        }
        if options.withData, context.owner == nil {
            throw SetupFailure(
                "--with-data reverts the schema, and the owner's URL is not given",
                advice: "give SETUP_DATABASE_OWNER_URL in --answers")
        }
        if options.dryRun {
            Console.print(
                "dry run: would undo\n" + context.record.text.split(separator: "\n").dropFirst().joined(separator: "\n")
            )
            return true
        }
        let what = options.withData ? " with the schema, all rows and the key ring" : ""
        if !options.yes {
            guard SetupTerminal.isThere else {
                throw SetupFailure("--remove wants to be confirmed, and there is no terminal", advice: "add --yes")
            }
            guard SetupTerminal().confirm("Remove what setup has made\(what)?") else { return true }
        }
        let lock = try Self.lock()
        defer { close(lock) }
        let changes = try plan(try steps(context)).undo(withData: options.withData) { () throws(SetupFailure) in
            try context.saveRecord()
        }
        if context.record == SetupRecord() { try SetupFiles.remove(paths.record) }
        Console.print(changes == 0 ? "nothing to remove" : "removed")
        if !options.withData { Console.print("left: the schema with its rows, the role's password, \(paths.keyRing)") }
        return true
    }
}
