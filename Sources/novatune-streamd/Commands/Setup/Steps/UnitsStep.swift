/// The units of the responder, enabled and running with the settings that are there.
struct UnitsStep: SetupStep {
    static let service = "novatune-streamd.service"
    static let units = ["novatune-streamd.socket", "novatune-streamd-gate.socket", service]

    let context: SetupContext
    let title = "units"

    func describe() -> String { "enables and starts \(Self.units.joined(separator: ", "))" }

    func isDone() throws(SetupFailure) -> Bool {
        guard !context.changedSettings else { return false }
        for unit in Self.units {
            guard try shown("UnitFileState", unit) == "enabled", try shown("ActiveState", unit) == "active" else {
                return false
            }
        }
        let start = try Self.seconds(shown("ActiveEnterTimestamp", Self.service))
        return SetupFiles.modified(context.paths.settings).map { $0 <= start } ?? true
    }

    func apply() throws(SetupFailure) -> String {
        for unit in Self.units {
            guard try shown("LoadState", unit) != "loaded" else { continue }
            throw SetupFailure(
                "systemd has no unit \(unit)",
                advice:
                    "install the package, or the files of nginx/systemd into /etc/systemd/system, then run setup again")
        }
        let wasActive = try shown("ActiveState", Self.service) == "active"
        let advice = "journalctl -u \(Self.service) has the reason; correct it, then run setup again"
        try systemctl(["enable", "--now"] + Self.units, advice)
        context.record.enabledUnits = true
        guard wasActive else { return "enabled and started" }
        // The sockets stay, so no request is lost.
        try systemctl(["restart", Self.service], advice)
        return "enabled; the service was restarted with the settings"
    }

    func undo(withData: Bool) throws(SetupFailure) -> String? {
        guard context.record.enabledUnits else { return nil }
        try systemctl(["disable", "--now"] + Self.units, "systemctl status has the reason")
        context.record.enabledUnits = false
        return "disabled and stopped \(Self.units.joined(separator: ", "))"
    }

    private func systemctl(_ arguments: [String], _ advice: String) throws(SetupFailure) {
        try context.runner.run(
            ExternalCommand(program: "systemctl", arguments: arguments, timeout: .seconds(180)), advice: advice)
    }

    private func shown(_ property: String, _ unit: String) throws(SetupFailure) -> String {
        try Self.shown(property, unit, context.runner)
    }

    static func shown(_ property: String, _ unit: String, _ runner: any CommandRunning) throws(SetupFailure) -> String {
        let text = try runner.run(
            ExternalCommand(
                program: "systemctl", arguments: ["show", "--timestamp=unix", "--property", property, "--value", unit]),
            advice: "run setup on a machine that systemd runs")
        return text.split(whereSeparator: \.isNewline).first.map { String($0) } ?? ""
    }

    /// `@1700000000`, as `--timestamp=unix` prints it; 0 for none.
    static func seconds(_ timestamp: String) -> Int { Int(timestamp.dropFirst()) ?? 0 }
}
