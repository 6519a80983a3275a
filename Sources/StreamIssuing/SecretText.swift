/// A text that must not appear in a log, error, metric or trace: a URL that grants access, an object's key, a password.
/// It prints as `<redacted>`; code that needs the text has to call `exposeSecret`.
@frozen
public struct SecretText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible, CustomReflectable {
    @usableFromInline let text: String

    @inlinable
    public init(_ text: String) { self.text = text }

    @inlinable
    public init(stringLiteral text: String) { self.text = text }

    @inlinable
    public func exposeSecret() -> String { text }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
