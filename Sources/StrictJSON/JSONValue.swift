/// A JSON text (RFC 8259) as a tree.
public enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// Written without fraction or exponent and within `Int64`.
    case integer(Int64)
    /// Any other number, to the nearest `Double`; not exact enough to count with.
    case otherNumber(Double)
    case string(JSONString)
    case array([JSONValue])
    case object(JSONObject)

    public var stringValue: String? { string?.text }

    public var string: JSONString? {
        if case .string(let string) = self { string } else { nil }
    }

    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
}

/// A string as a slice of the text that it was read from, so that reading a secret makes no copies of it in memory.
public struct JSONString: Sendable, Equatable, ExpressibleByStringLiteral {
    /// Valid UTF-8, escapes resolved.
    public let utf8: ArraySlice<UInt8>

    public init(_ text: String) { utf8 = ArraySlice(text.utf8) }

    public init(stringLiteral text: String) { self.init(text) }

    init(validated utf8: ArraySlice<UInt8>) { self.utf8 = utf8 }

    public var text: String { String(decoding: utf8, as: UTF8.self) }
}

/// Members in the order in which they were written; no name twice.
public struct JSONObject: Sendable, Equatable {
    public internal(set) var members: [(name: String, value: JSONValue)] = []

    public subscript(name: String) -> JSONValue? {
        members.first { $0.name == name }?.value
    }

    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.members.elementsEqual(right.members) { $0.name == $1.name && $0.value == $1.value }
    }
}

/// Why a text is not JSON that this reader accepts. It gives the position, never the text.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String
    /// Byte offset, from 0.
    public let offset: Int
    /// The member name that occurred twice. Not in the description: it may be anything.
    public let repeatedName: String?

    public var description: String { "\(reason) at byte \(offset)" }
}
