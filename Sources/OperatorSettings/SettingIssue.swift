/// Something that is wrong with the settings, with what it is about.
public struct SettingIssue: Sendable, Equatable, CustomStringConvertible {
    public enum Subject: Sendable, Equatable {
        /// The setting of this name, in either of its forms.
        case setting(String)
        /// The file that `--config` names.
        case configFile
        /// A name that is no setting.
        case unknownName
    }

    public let subject: Subject
    /// One line that begins with the name and holds no value.
    public let description: String

    public init(_ subject: Subject, _ description: String) {
        self.subject = subject
        self.description = description
    }

    public var isAboutSetting: Bool { if case .setting = subject { true } else { false } }

    /// `NAME: reason`.
    public init(_ declaration: SettingDeclaration, reason: String) {
        self.init(.setting(declaration.name), "\(declaration.name): \(reason)")
    }

    /// `NAME reason`, a sentence about the setting.
    public init(_ declaration: SettingDeclaration, sentence: String) {
        self.init(.setting(declaration.name), sentence)
    }

    /// `NAME is required`, with the form that names a file where there is one.
    public static func missing(_ declaration: SettingDeclaration) -> SettingIssue {
        let names = [declaration.name] + [declaration.fileName].compactMap { $0 }
        return SettingIssue(declaration, sentence: "\(names.joined(separator: " or ")) is required")
    }
}
