/// A text that belongs in no log, error, metric or trace: a URL that opens something, an object's key, a password. Describes itself as
/// `<redacted>` wherever it is printed; whoever needs it has to say `exposed`.
@frozen public struct SecretText: Sendable, Hashable, ExpressibleByStringLiteral, CustomStringConvertible, CustomReflectable {
    public let exposed: String

    @inlinable
    public init(_ text: String) { exposed = text }

    @inlinable
    public init(stringLiteral text: String) { exposed = text }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
