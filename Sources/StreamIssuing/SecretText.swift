/// A text that must not appear in a log, error, metric or trace: a URL that grants access, an object's key, a password. It prints as
/// `<redacted>`; code that needs the text has to read `exposed`.
@frozen public struct SecretText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible, CustomReflectable {
    public let exposed: String

    @inlinable
    public init(_ text: String) { exposed = text }

    @inlinable
    public init(stringLiteral text: String) { exposed = text }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
