/// nginx, running with the configuration that is there.
struct ReloadStep: SetupStep {
    private static let service = "nginx.service"

    let context: SetupContext
    let title = "nginx reload"

    func describe() -> String { "reloads nginx, or starts it where it does not run" }

    func isDone() throws(SetupFailure) -> Bool {
        guard !context.changedNginx else { return false }
        guard try UnitsStep.shown("ActiveState", Self.service, context.runner) == "active" else { return false }
        let change = UnitsStep.seconds(try UnitsStep.shown("StateChangeTimestamp", Self.service, context.runner))
        return SetupFiles.modified("\(context.paths.nginx)/conf.d/novatune.conf").map { $0 <= change } ?? false
    }

    func apply() throws(SetupFailure) -> String {
        guard try !Self.reload(context.runner) else { return "reloaded" }
        try Self.systemctl(["enable", "--now", Self.service], context.runner)
        return "started"
    }

    /// - Returns: false where nginx does not run.
    static func reload(_ runner: any CommandRunning) throws(SetupFailure) -> Bool {
        guard try UnitsStep.shown("ActiveState", service, runner) == "active" else { return false }
        try systemctl(["reload", service], runner)
        return true
    }

    private static func systemctl(_ arguments: [String], _ runner: any CommandRunning) throws(SetupFailure) {
        try runner.run(
            ExternalCommand(program: "systemctl", arguments: arguments, timeout: .seconds(120)),
            advice: "journalctl -u nginx has the reason; correct it, then run setup again")
    }
}
