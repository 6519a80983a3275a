import Cryptography
import KeyManagement
import OperatorSettings

/// The file that `--config` names: lines `NAME=value`. `#` starts a comment line; a value may stand in quotes, as in
/// systemd's EnvironmentFile.
struct ConfigFile {
    /// By name; the settings of its lines, as they stand there.
    private(set) var values: [String: String] = [:]
    private(set) var issues: [SettingIssue] = []
    /// Why it cannot be read. Then nothing is known of the settings that it may hold.
    private(set) var unreadable: SettingIssue?

    init(reading path: String) {
        do {
            // The command line names it, so the path is no secret, whatever it is.
            var bytes = try SecretFile.read(path, shownAs: path)
            defer { bytes.wipe() }
            bytes.dropByteOrderMark()
            read(bytes, path)
        } catch {
            let issue = SettingIssue(.configFile, "--config: \(error)")
            (unreadable, issues) = (issue, [issue])
        }
    }

    private mutating func read(_ bytes: [UInt8], _ path: String) {
        // CR LF is one Character, and not equal to LF.
        let lines = String(decoding: bytes, as: UTF8.self).split(omittingEmptySubsequences: false) {
            $0 == "\n" || $0 == "\r\n"
        }
        for (number, line) in lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.first == "#" { continue }
            guard let equals = line.firstIndex(of: "="), let name = Self.name(line[..<equals].trimmed) else {
                issues.append(SettingIssue(.configFile, "\(path):\(number + 1): not NOVATUNE_NAME=value"))
                continue
            }
            if values[name] != nil {
                issues.append(SettingIssue(.configFile, "\(path):\(number + 1): \(name) twice"))
            }
            values[name] = Self.unquoted(line[line.index(after: equals)...].trimmed)
        }
    }

    /// Nil for anything else, which may be part of a value that was broken into lines: it is never shown.
    static func name(_ text: Substring) -> String? {
        let isName =
            text.hasPrefix("NOVATUNE_") && text.utf8.count <= 64
            && text.utf8.allSatisfy {
                ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || (0x30...0x39).contains($0) || $0 == 0x5f
            }
        return isName ? String(text) : nil
    }

    static func unquoted(_ value: Substring) -> String {
        guard value.count >= 2, let quote = value.first, quote == "\"" || quote == "'", value.last == quote else {
            return String(value)
        }
        return String(value.dropFirst().dropLast())
    }
}
