/// A JSON text (RFC 8259) as a tree.
public enum JSONValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    /// Written without fraction or exponent and within `Int64`.
    case integer(Int64)
    /// Any other number. Its value is of no use to anyone who counts exactly.
    case otherNumber
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }
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

/// Why a text is not JSON that this reader accepts. Says where, never what.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
    public let reason: String
    /// Byte offset, from 0.
    public let offset: Int

    public var description: String { "\(reason) at byte \(offset)" }
}
