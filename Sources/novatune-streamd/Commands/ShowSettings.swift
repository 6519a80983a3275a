import ArgumentParser
import OperatorSettings

/// Explains the settings.
struct ShowSettings: ParsableCommand {
    enum Format: String, CaseIterable, ExpressibleByArgument {
        case text, env, template, json, markdown
    }

    static let configuration = CommandConfiguration(
        commandName: "settings",
        abstract: "Explain the settings: their defaults, what they do, which values are allowed.",
        discussion: """
            Reads no setting. 'novatune-streamd check' shows the values that hold, and tries them.

            EXAMPLES:
              novatune-streamd settings NOVATUNE_LOOPS
              novatune-streamd settings --format env > novatune.env    # to be filled in, and read by --config
              novatune-streamd settings --format json | jq -r '.[].settings[] | select(.isSecret).name'

            EXIT CODES: 0 done; 64 there is no setting of that name.
            """
    )

    @Argument(
        help: ArgumentHelp("Only these settings, in either form of their names.", valueName: "name"),
        completion: .list(AllSettings.declarations.map(\.name)))
    var names: [String] = []

    @Option(
        name: .long,
        help: """
            text to read; env for a file of settings, in which those stand that are required; template for one in which \
            each is a comment, as the Debian package installs it; json for programs; markdown for a table.
            """)
    var format = Format.text

    func run() throws {
        let groups = try chosen()
        switch format {
        case .text:
            Console.print("Default — meaning; durations are 120s, 2m, 500ms or 00:02:00.\n" + SettingsText.help(groups))
        case .env: Console.print(SettingsText.example(groups))
        case .template: Console.print(SettingsText.template(groups))
        case .json: Console.print(SettingsText.json(groups))
        case .markdown: Console.print(SettingsText.markdown(groups))
        }
    }

    private func chosen() throws -> [SettingGroup] {
        guard !names.isEmpty else { return AllSettings.groups }
        let known = Set(AllSettings.declarations.flatMap { [$0.name, $0.fileName ?? $0.name] })
        let unknown = names.filter { !known.contains($0) }
        guard unknown.isEmpty else { throw ValidationError("no such setting: \(unknown.joined(separator: ", "))") }
        return AllSettings.groups.compactMap { group in
            let chosen = group.declarations.filter { names.contains($0.name) || names.contains($0.fileName ?? "") }
            return chosen.isEmpty ? nil : SettingGroup(group.title, chosen)
        }
    }
}
