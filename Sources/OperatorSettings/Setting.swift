/// A setting of the operator with the type of its value. Declared once, in the library that it configures; the reader,
/// the help, `check`, the documentation and the example file derive from the declaration.
public struct Setting<Value: Sendable>: Sendable {
    public let declaration: SettingDeclaration
    /// Nil where there is none: the setting is required, or optional.
    public let fallback: Value?
    private let parse: @Sendable (String) throws(InvalidValue) -> Value

    /// - Parameters:
    ///   - name: `NOVATUNE_…`.
    ///   - fallback: the value without the setting.
    ///   - shownDefault: what holds without a value, for people.
    ///   - allowed: which values are allowed, for people.
    ///   - meaning: what the value does, in one line.
    ///   - parse: throws a reason that does not quote the value.
    public init(
        _ name: String, _ presence: SettingDeclaration.Presence = .optional, default fallback: Value? = nil,
        shownDefault: String,
        allowed: String? = nil, handling: SettingDeclaration.Handling = .plain, isReloadable: Bool = false,
        isDocument: Bool = false, _ meaning: String,
        parse: @escaping @Sendable (String) throws(InvalidValue) -> Value
    ) {
        declaration = SettingDeclaration(
            name: name, presence: presence, shownDefault: shownDefault, meaning: meaning, allowed: allowed,
            handling: handling,
            isReloadable: isReloadable, isDocument: isDocument)
        self.fallback = fallback
        self.parse = parse
    }

    public var name: String { declaration.name }

    /// - Throws: where the value is not allowed. The reason does not quote it.
    public func value(_ text: String) throws(InvalidValue) -> Value { try parse(text) }
}

/// Why a value is not allowed. It does not quote the value, which may be a secret in the wrong place.
public struct InvalidValue: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    public init(_ reason: String) { description = reason }
}
