/// The file of settings.
struct SettingsStep: SetupStep {
    private static let mode: UInt32 = 0o640

    let context: SetupContext
    let title = "settings"

    private var path: String { context.paths.settings }
    private var group: UInt32? { SetupFiles.group(named: context.paths.account) }

    func describe() throws(SetupFailure) -> String {
        let names = changes(try SettingsFile(SetupFiles.read(path) ?? ""))
        return "writes \(path): \(names.joined(separator: ", "))"
    }

    func isDone() throws(SetupFailure) -> Bool {
        guard let text = try SetupFiles.read(path) else { return false }
        return changes(SettingsFile(text)).isEmpty
            && SetupFiles.permissions(of: path).map { $0.mode == Self.mode && $0.group == group } ?? false
    }

    func apply() throws(SetupFailure) -> String {
        guard let group else {
            throw SetupFailure("there is no group \(context.paths.account)", advice: "install the package")
        }
        try SetupFiles.makeDirectory(context.paths.configuration, mode: 0o750, group: group)
        let former = try SetupFiles.read(path)
        var file = SettingsFile(former ?? "")
        let names = changes(file)
        for name in names {
            let text = context.serviceSettings[name] ?? ""
            if text.isEmpty { file.unset(name) } else { file.set(name, text) }
        }
        try SetupFiles.write(file.text, to: path, mode: Self.mode, group: group)
        if former == nil { context.record.madeSettingsFile = true }
        context.record.settings = Set(context.record.settings).union(names).sorted()
        context.changedSettings = true
        return "wrote \(path): \(names.joined(separator: ", "))"
    }

    func undo(withData: Bool) throws(SetupFailure) -> String? {
        let names = context.record.settings
        guard !names.isEmpty, let text = try SetupFiles.read(path) else { return nil }
        var file = SettingsFile(text)
        for name in names { file.unset(name) }
        let isEmpty = file.lines.allSatisfy { $0.isEmpty || $0.hasPrefix("#") }
        if context.record.madeSettingsFile, isEmpty {
            try SetupFiles.remove(path)
        } else {
            try SetupFiles.write(file.text, to: path, mode: Self.mode, group: group)
        }
        context.record.settings = []
        context.record.madeSettingsFile = false
        return "took \(names.count) settings out of \(path)"
    }

    /// Names whose line would be another.
    private func changes(_ file: SettingsFile) -> [String] {
        let values = file.values
        return context.serviceSettings.filter { name, text in (values[name] ?? "") != text }.keys.sorted()
    }
}
