/// The account of the responder, which the package's sysusers.d declares.
struct AccountStep: SetupStep {
    let context: SetupContext
    let title = "account"

    func describe() -> String { "makes the account \(context.paths.account)" }

    func isDone() -> Bool { SetupFiles.hasAccount(context.paths.account) }

    func apply() throws(SetupFailure) -> String {
        try context.runner.run(
            ExternalCommand(program: "systemd-sysusers"),
            advice: "install nginx/systemd/novatune.sysusers.conf as /usr/lib/sysusers.d/novatune.conf")
        guard isDone() else {
            throw SetupFailure(
                "there is no account \(context.paths.account)",
                advice:
                    "install the package, or nginx/systemd/novatune.sysusers.conf as /usr/lib/sysusers.d/novatune.conf")
        }
        return "made \(context.paths.account)"
    }
}
