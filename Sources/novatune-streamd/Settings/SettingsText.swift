import OperatorSettings

/// The settings as text, each form from the same declarations. No form ends with a line break.
enum SettingsText {
    /// For a terminal.
    static func help(_ groups: [SettingGroup]) -> String {
        let groups = groups.map { group in
            let settings = group.declarations.map { setting in
                let names = setting.fileName.map { "\(setting.name) (or \($0))" } ?? setting.name
                return "    \(names)\n        \(line(setting))"
            }
            return "  \(group.title)\n" + settings.joined(separator: "\n")
        }
        return groups.joined(separator: "\n")
    }

    /// A table for each group.
    static func markdown(_ groups: [SettingGroup]) -> String {
        let groups = groups.map { group in
            let rows = group.declarations.map { setting in
                let names = [setting.name, setting.fileName].compactMap { $0 }.map { "`\($0)`" }.joined(
                    separator: " or ")
                let cells = [
                    names, cell(setting.shownDefault), cell(meaning(setting)), setting.isReloadable ? "yes" : "no",
                ]
                return "| " + cells.joined(separator: " | ") + " |"
            }
            return "### \(group.title)\n\n| name | default | meaning | reload |\n|---|---|---|---|\n"
                + rows.joined(separator: "\n")
        }
        return groups.joined(separator: "\n\n")
    }

    /// Lines NAME=value, as `--config` and systemd's EnvironmentFile= (systemd.exec(5)) read them. What is required
    /// stands there to be filled in; all others are comments.
    static func example(_ groups: [SettingGroup]) -> String {
        let groups = groups.map { group in
            let settings = group.declarations.map { setting in
                let isRequired = setting.presence == .required
                return "# \(line(setting))\n\(isRequired ? "" : "#")\(setting.fileName ?? setting.name)="
            }
            return "## \(group.title)\n\n" + settings.joined(separator: "\n\n")
        }
        return groups.joined(separator: "\n\n")
    }

    /// `default — meaning (allowed)`, and whether a reload takes it.
    static func line(_ setting: SettingDeclaration) -> String {
        "\(setting.shownDefault) — \(meaning(setting))\(setting.isReloadable ? "; a reload takes it" : "")"
    }

    private static func meaning(_ setting: SettingDeclaration) -> String {
        setting.meaning + (setting.allowed.map { " (\($0))" } ?? "")
    }

    /// Text in a table's cell. Angle brackets and quotes stand in a code span.
    private static func cell(_ text: String) -> String {
        text.contains(where: { "<>{}|*".contains($0) })
            ? "`\(text.split(separator: "|").joined(separator: "\\|"))`" : text
    }
}
