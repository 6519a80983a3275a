public import Testing

/// A row of a table of inputs and what they must lead to. Its name is what the report shows.
public struct Row<Value: Sendable>: Sendable, CustomTestStringConvertible {
    public let name: String
    public let value: Value

    public init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    public var testDescription: String { name }
}
