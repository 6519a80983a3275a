/// What is the same of all settings, whatever the type of their value: the source of the help, of `check`, of the
/// documentation's table and of the example file.
public struct SettingDeclaration: Sendable {
    /// How the value is handled.
    public enum Handling: Sendable, Equatable {
        /// `check` shows the value.
        case plain
        /// The value is never shown.
        case hidden
        /// The value is never shown. `NAME_FILE` may name a file that holds it.
        case secret
        /// As `secret`. The value's consumer reads the file, so that no copy of the value is kept elsewhere.
        case secretReadByConsumer
    }

    public enum Presence: Sendable, Equatable {
        case required
        /// Without a value something is off, or another setting has it.
        case optional
    }

    /// `NOVATUNE_…`, the name of the environment variable.
    public let name: String
    public let presence: Presence
    /// What holds without a value, for people: `2s`, `required`, `none`.
    public let shownDefault: String
    /// What the value does, in one line.
    public let meaning: String
    /// Which values are allowed, for people: `10ms to 60s`. Nil where `meaning` says it.
    public let allowed: String?
    public let handling: Handling
    /// Whether a reload takes a new value; others need a restart.
    public let isReloadable: Bool
    /// Whether the value is a document, such as JSON, which may have several lines.
    public let isDocument: Bool

    /// `NAME_FILE`, for a value in a file of its own; nil where that is not possible.
    public var fileName: String? {
        switch handling {
        case .plain, .hidden: nil
        case .secret, .secretReadByConsumer: name + "_FILE"
        }
    }

    /// Whether its value is never shown.
    public var isSecret: Bool { handling != .plain }
}

/// The settings of one library, in the order in which they are shown.
public struct SettingGroup: Sendable {
    public let title: String
    public let declarations: [SettingDeclaration]

    public init(_ title: String, _ declarations: [SettingDeclaration]) {
        self.title = title
        self.declarations = declarations
    }
}
