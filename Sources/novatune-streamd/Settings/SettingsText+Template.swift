import OperatorSettings

extension SettingsText {
    /// The file of settings as the Debian package installs it: each setting is a comment, in both forms of its name.
    static func template(_ groups: [SettingGroup]) -> String {
        let groups = groups.map { group in
            let settings = group.declarations.map { setting in
                let names = [setting.name, setting.fileName].compactMap { $0 }.map { "#\($0)=" }
                return (comment(line(setting)) + names).joined(separator: "\n")
            }
            return "## \(group.title)\n\n" + settings.joined(separator: "\n\n")
        }
        return ([templateHead] + groups).joined(separator: "\n\n")
    }

    private static let templateHead = """
        # Settings of NovaTune Stream, novatune.env(5): NAME=value, one a line, and nothing else on it. A line that begins
        # with # is a comment, and here all settings are. Each has its default and its meaning above it. Of a name that
        # stands here twice, NAME_FILE names a file that holds the value; give one of the two. Durations are 120s, 2m, 500ms
        # or 00:02:00.
        #
        # It may hold secrets: leave it to root:novatune with mode 0640. Try it before a restart or a reload:
        #   runuser -u novatune -- novatune-streamd check --config /etc/novatune/novatune.env
        """

    /// Comment lines of at most 120 characters, except where a word is longer.
    private static func comment(_ text: String) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= 120 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("# \(word)")
            }
        }
        return lines
    }
}
