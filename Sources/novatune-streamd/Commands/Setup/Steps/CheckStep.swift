/// `check`, as the account that the responder runs as.
struct CheckStep: SetupStep {
    let context: SetupContext
    let title = "check"
    let isTrial = true

    func describe() -> String { "runs 'novatune-streamd check' as \(context.paths.account)" }

    func isDone() -> Bool { false }

    func apply() throws(SetupFailure) -> String {
        let output = try context.runner.output(
            ExternalCommand(
                program: context.program, arguments: ["check", "--quiet", "--config", context.paths.settings],
                account: context.paths.account, timeout: .seconds(300)))
        let lines = output.text.split(whereSeparator: \.isNewline).map { line in
            line.split(separator: " ").joined(separator: " ")
        }
        guard output.status == 0 else {
            let failed = lines.filter { $0.contains(" failed ") }
            throw SetupFailure(
                "\(failed.isEmpty ? output.lastLines() : failed.joined(separator: " | "))",
                advice: "correct it in \(context.paths.settings) or the answers, then run setup again")
        }
        // What it could not try, for want of tracks, is no warning.
        let warnings = lines.filter { $0.contains(" warning ") }.joined(separator: " | ")
        return "each dependency answers" + (warnings.isEmpty ? "" : "; warnings: \(warnings)")
    }
}
