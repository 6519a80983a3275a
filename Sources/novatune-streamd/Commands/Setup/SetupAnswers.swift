import Glibc
import KeyManagement
import OperatorSettings
import StreamIssuing

/// What the operator says: settings of the service (`NOVATUNE_…`), of nginx (`NOVATUNE_NGINX_…`) and of setup
/// (`SETUP_…`). They include secrets, so the description shows no values.
struct SetupAnswers: CustomStringConvertible, CustomReflectable {
    /// From the file of answers, the command line and the terminal. An empty text takes a setting back to its default.
    private(set) var given: [String: String] = [:]
    /// What the files of settings have from before.
    let kept: [String: String]

    init(kept: [String: String] = [:]) { self.kept = kept }

    var description: String { "<redacted>" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// Nil where it is not set, or empty.
    subscript(_ name: String) -> String? {
        if let text = given[name] { return text.isEmpty ? nil : text }
        // The other form of a setting that is given replaces it.
        if SettingsFile.forms(name).contains(where: { given[$0].map { !$0.isEmpty } ?? false }) { return nil }
        return kept[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Whether it is set in either form.
    func has(_ name: String) -> Bool { SettingsFile.forms(name).contains { self[$0] != nil } }

    mutating func set(_ name: String, _ text: String) { given[name] = text }

    /// All that hold.
    var values: [String: String] {
        Set(given.keys).union(kept.keys).reduce(into: [:]) { values, name in values[name] = self[name] }
    }

    // MARK: Reading

    /// Lines NAME=value, as in `novatune.env`.
    mutating func read(file path: String) throws(SetupFailure) {
        guard let text = try SetupFiles.read(path) else {
            throw SetupFailure("there is no file \(path)", advice: "write the answers there, as 'setup --help' shows")
        }
        let lines = SettingsFile(text).lines
        for (number, line) in lines.enumerated() {
            let line = line[...].trimmed
            if line.isEmpty || line.first == "#" { continue }
            let name = line.prefix { $0 != "=" }.trimmed
            guard line.contains("="), Self.isKnown(name) else {
                throw SetupFailure(
                    "\(path):\(number + 1): not NOVATUNE_NAME=value or SETUP_NAME=value",
                    advice: "correct it; 'novatune-streamd setup --help' and 'novatune-streamd settings' have the names"
                )
            }
            guard given[String(name)] == nil else {
                throw SetupFailure("\(path):\(number + 1): \(name) twice", advice: "keep one of the lines")
            }
            given[String(name)] = ConfigFile.unquoted(line.drop { $0 != "=" }.dropFirst().trimmed)
        }
        if given.keys.contains(where: { Self.isSecret($0) }),
            SetupFiles.permissions(of: path).map({ $0.mode & 0o7 != 0 }) == true
        {
            throw SetupFailure(
                "every account of this machine may read \(path), which holds secrets", advice: "chmod 600 it")
        }
    }

    /// `NAME=value` of the command line, which every account of the machine can read.
    mutating func read(argument text: String) throws(SetupFailure) {
        let name = text.prefix { $0 != "=" }
        guard text.contains("="), Self.isKnown(name) else {
            throw SetupFailure(
                "--set wants NAME=value with a name that setup knows",
                advice: "'novatune-streamd setup --help' and 'novatune-streamd settings' have the names")
        }
        guard !Self.isSecret(String(name)) else {
            throw SetupFailure(
                "--set \(name)=… would show a secret to every account of this machine",
                advice: "write it into the file of --answers, or set \(name)_FILE to a file that holds it")
        }
        given[String(name)] = String(text.drop { $0 != "=" }.dropFirst())
    }

    /// A value of setup's own settings, checked.
    func value<Value>(_ setting: Setting<Value>) throws(SetupFailure) -> Value? {
        var text = self[setting.name]
        if text == nil, let fileName = setting.declaration.fileName, let path = self[fileName] {
            do {
                text = String(decoding: try SecretFile.read(path), as: UTF8.self).split(whereSeparator: \.isNewline)
                    .first.map { String($0) }
            } catch {
                throw SetupFailure("\(fileName): \(error)", advice: "correct it")
            }
        }
        guard let text else { return setting.fallback }
        do {
            return try setting.value(text)
        } catch {
            throw SetupFailure("\(setting.name): \(error)", advice: "correct it")
        }
    }

    /// Every secret of the answers, to be kept out of what is printed.
    var secrets: [SecretText] {
        values.filter { Self.isSecret($0.key) }.map { SecretText($0.value) }
    }

    private static let declarations = AllSettings.declarations + SetupSetting.group.declarations

    private static func isKnown(_ name: some StringProtocol) -> Bool {
        let known = declarations.contains { $0.name == name || $0.fileName == String(name) }
        return known || isOfNginx(String(name))
    }

    /// `nginx/render` knows which of them there are.
    static func isOfNginx(_ name: String) -> Bool { AllSettings.foreignPrefixes.contains { name.hasPrefix($0) } }

    static func isOfSetup(_ name: String) -> Bool { name.hasPrefix("SETUP_") }

    private static func isSecret(_ name: String) -> Bool {
        declarations.contains { $0.name == name && $0.isSecret }
    }
}
