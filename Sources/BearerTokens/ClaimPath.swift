import StrictJSON

/// Where a claim is in a token: its name (`roles`, `cognito:groups`, `https://example.com/roles`), a dotted path
/// (`realm_access.roles`) or a JSON Pointer (`/realm_access/roles`, RFC 6901).
public struct ClaimPath: Sendable, Equatable, CustomStringConvertible {
    /// As the settings have it.
    public let description: String
    private let steps: [String]

    /// Nil where the text is empty.
    public init?(_ text: String) {
        guard !text.isEmpty else { return nil }
        description = text
        steps =
            text.hasPrefix("/")
            ? text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { Self.unescaped($0) }
            : text.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    }

    /// A claim at the top.
    init(name: String) {
        description = name
        steps = [name]
    }

    /// `~1` is a slash, `~0` a tilde (RFC 6901 §4).
    private static func unescaped(_ step: Substring) -> String {
        step.split(separator: "~1", omittingEmptySubsequences: false)
            .map { $0.split(separator: "~0", omittingEmptySubsequences: false).joined(separator: "~") }
            .joined(separator: "/")
    }

    /// A claim of exactly this name counts before the path.
    func value(in claims: JSONObject) -> JSONValue? {
        if let value = claims[description] { return value }
        var value = JSONValue.object(claims)
        for step in steps {
            guard let next = value.objectValue?[step] else { return nil }
            value = next
        }
        return value
    }
}
