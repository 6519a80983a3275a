/// Bytes of a secret key. Describes itself as `<redacted>` wherever it is printed.
public struct SymmetricKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
