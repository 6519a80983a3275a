import Cryptography
import KeyManagement

/// Raw settings from the environment and a file, and everything that is wrong with them so far. They include secrets, so the description
/// shows no values.
struct SettingsSource: CustomStringConvertible, CustomReflectable {
    private(set) var values: [SettingName: String] = [:]
    /// The files that `NAME_FILE` settings name.
    private(set) var files: [SettingName: String] = [:]
    /// The file given by `--config`.
    let configPath: String?
    private(set) var complaints: [String] = []

    /// - Parameters:
    ///   - environment: wins over the file.
    ///   - configPath: lines `NAME=value`; `#` starts a comment line; a value may stand in quotes, as in systemd's EnvironmentFile.
    init(environment: [String: String], configPath: String?) {
        self.configPath = configPath
        var merged: [String: String] = [:]
        if let configPath { merged = readConfig(configPath) }
        // A name and its _FILE form are one setting: the environment's form replaces either of the file's.
        for (name, value) in environment where name.hasPrefix("NOVATUNE_") && !value.isEmpty {
            merged[name.hasSuffix("_FILE") ? String(name.dropLast(5)) : name + "_FILE"] = nil
        }
        merged.merge(environment.filter { $0.key.hasPrefix("NOVATUNE_") }) { _, environment in environment }
        take(merged)
    }

    var description: String { "<redacted>" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// What is wrong with these settings, and with the file that they may stand in.
    func complaints(about names: [SettingName]) -> [String] {
        complaints.filter { complaint in complaint.hasPrefix("--config") || names.contains { $0.isSubject(of: complaint) } }
    }

    private mutating func take(_ merged: [String: String]) {
        var known: Set<String> = []
        for name in SettingName.allCases {
            known.insert(name.rawValue)
            let direct = merged[name.rawValue].flatMap { $0.isEmpty ? nil : $0 }
            guard name.mayComeFromFile else {
                values[name] = direct
                continue
            }
            known.insert(name.fileName)
            let path = merged[name.fileName].flatMap { $0.isEmpty ? nil : $0 }
            if direct != nil, path != nil { complaints.append("\(name.rawValue) and \(name.fileName) are both set; keep one") }
            files[name] = path
            values[name] = direct ?? path.flatMap { name.isReadElsewhere ? nil : readSecret(name, $0) }
        }
        for name in merged.keys.sorted() where !known.contains(name) {
            if SettingName.foreignPrefixes.contains(where: name.hasPrefix) { continue }
            if let advice = SettingName.removed[name] {
                complaints.append("\(name): \(advice)")
                continue
            }
            let shown = Self.name(name[...]) ?? "NOVATUNE_…"
            complaints.append("\(shown): no such setting; see 'novatune-streamd serve --help'")
        }
    }

    private mutating func readSecret(_ name: SettingName, _ path: String) -> String? {
        do {
            var bytes = try SecretFile.read(path)
            defer { bytes.wipe() }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                complaints.append("\(name.fileName): \(SecretFile.shown(path)) is not UTF-8")
                return nil
            }
            // Editors and `echo` end a file with a line break, which belongs to no secret.
            let trimmed = text.hasSuffix("\r\n") || text.hasSuffix("\n") ? String(text.dropLast()) : text
            if trimmed.isEmpty { complaints.append("\(name.fileName): \(SecretFile.shown(path)) is empty") }
            return trimmed.isEmpty ? nil : trimmed
        } catch {
            complaints.append("\(name.fileName): \(error)")
            return nil
        }
    }

    /// Files and directories that settings are read from.
    var watchedPaths: [String] {
        (configPath.map { [$0] } ?? []) + files.values.sorted() + (values[.cacheKeysDirectory].map { [$0] } ?? [])
    }

    private mutating func readConfig(_ path: String) -> [String: String] {
        do {
            var bytes = try SecretFile.read(path)
            defer { bytes.wipe() }
            var settings: [String: String] = [:]
            // CR LF is one Character, and not equal to LF.
            let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
            for (number, line) in lines.enumerated() {
                let line = line.trimmed
                if line.isEmpty || line.first == "#" { continue }
                guard let equals = line.firstIndex(of: "="), let name = Self.name(line[..<equals].trimmed) else {
                    complaints.append("\(path):\(number + 1): not NOVATUNE_NAME=value")
                    continue
                }
                let value = line[line.index(after: equals)...].trimmed
                if settings[name] != nil { complaints.append("\(path):\(number + 1): \(name) twice") }
                settings[name] = Self.unquoted(value)
            }
            return settings
        } catch {
            complaints.append("--config: \(error)")
            return [:]
        }
    }

    /// Nil for anything else, which may be part of a value that was broken into lines: it is never shown.
    private static func name(_ text: Substring) -> String? {
        let isName =
            text.hasPrefix("NOVATUNE_") && text.utf8.count <= 64
            && text.utf8.allSatisfy { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || (0x30...0x39).contains($0) || $0 == 0x5f }
        return isName ? String(text) : nil
    }

    private static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote else { return String(value) }
        return String(value.dropFirst().dropLast())
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while let first = text.first, first.isWhitespace { text = text.dropFirst() }
        while let last = text.last, last.isWhitespace { text = text.dropLast() }
        return text
    }
}
