import OperatorSettings

/// A file of lines NAME=value that is changed line by line: comments, the order and the lines of others stay.
struct SettingsFile: Equatable {
    private(set) var lines: [String]

    init(_ text: String) {
        lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map { String($0) }
        if lines.last == "" { lines.removeLast() }
    }

    var text: String { lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n" }

    /// Those that are not empty, without the quotes around them.
    var values: [String: String] {
        lines.reduce(into: [:]) { values, line in
            guard let (name, value) = Self.parse(line), !value.isEmpty else { return }
            values[name] = ConfigFile.unquoted(value[...])
        }
    }

    /// Takes the place of the line that sets it, in either form of its name; else of the comment that explains it, as
    /// the packaged file has one for each setting; else it becomes the last line.
    mutating func set(_ name: String, _ value: String) {
        let forms = Self.forms(name)
        let line = "\(name)=\(Self.quoted(value))"
        let active = lines.indices.filter { index in Self.parse(lines[index]).map { forms.contains($0.name) } ?? false }
        if let first = active.first {
            lines[first] = line
            for index in active.dropFirst().reversed() { lines.remove(at: index) }
        } else if let comment = lines.firstIndex(where: { line in forms.contains { Self.isComment(line, of: $0) } }) {
            lines[comment] = line
        } else {
            lines.append(line)
        }
    }

    /// The line becomes the comment that the packaged file has.
    mutating func unset(_ name: String) {
        for index in lines.indices where Self.parse(lines[index])?.name == name { lines[index] = "#\(name)=" }
    }

    private static func parse(_ line: String) -> (name: String, value: String)? {
        let line = line[...].trimmed
        guard line.first != "#", let equals = line.firstIndex(of: "=") else { return nil }
        return (String(line[..<equals].trimmed), String(line[line.index(after: equals)...].trimmed))
    }

    private static func isComment(_ line: String, of name: String) -> Bool {
        let line = line[...].trimmed
        return line.first == "#" && line.dropFirst().trimmed.hasPrefix("\(name)=")
    }

    /// A name and its `_FILE` form are one setting.
    static func forms(_ name: String) -> [String] {
        let declaration = AllSettings.declarations.first { $0.name == name || $0.fileName == name }
        return declaration.map { [$0.name] + [$0.fileName].compactMap { $0 } } ?? [name]
    }

    /// The file's reader takes white space and a pair of quotes away.
    private static func quoted(_ value: String) -> String {
        let isQuoted = value.count >= 2 && value.first == value.last && (value.first == "\"" || value.first == "'")
        return isQuoted || value[...].trimmed.count != value.count ? "\"\(value)\"" : value
    }
}
