import OperatorSettings

/// The profile `default` of a file `~/.aws/credentials`, or the only one ("Shared config and credentials files", AWS SDKs
/// Reference Guide).
struct CredentialsProfile {
    private let values: [String: String]

    /// Whether a text begins as such a file, with `[name]`, behind comments.
    static func isFile(_ text: String) -> Bool { lines(text).first.flatMap(section) != nil }

    init(_ text: String) throws(CredentialsDocument.Invalid) {
        var profiles: [String: [String: String]] = [:]
        var current = ""
        for line in Self.lines(text) {
            if let name = Self.section(line) {
                current = name
                profiles[name] = profiles[name] ?? [:]
            } else if let equals = line.firstIndex(of: "=") {
                let name = line[..<equals].trimmed.lowercased()
                profiles[current]?[name] = String(line[line.index(after: equals)...].trimmed)
            }
        }
        guard let values = profiles["default"] ?? (profiles.count == 1 ? profiles.values.first : nil) else {
            throw CredentialsDocument.Invalid(description: "several profiles, and none is [default]")
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func required(_ name: String) throws(CredentialsDocument.Invalid) -> String {
        guard let value = self[name] else {
            throw CredentialsDocument.Invalid(description: "no \(name) in the profile")
        }
        return value
    }

    /// Without comments and empty lines.
    private static func lines(_ text: String) -> [String] {
        text.split(whereSeparator: \.isNewline).map { String($0.trimmed) }.filter { line in
            line.first.map { !"#;".contains($0) } ?? false
        }
    }

    /// The name in `[name]`; nil for another line, such as the beginning of a JSON array.
    private static func section(_ line: String) -> String? {
        guard line.first == "[", line.last == "]" else { return nil }
        let name = String(line.dropFirst().dropLast().trimmed)
        let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.@:/ ".contains($0) }
        return isName ? name : nil
    }
}
