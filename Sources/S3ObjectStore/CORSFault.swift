/// What keeps a page of another origin from reading the store's answer by script (Fetch standard, "CORS protocol").
///
/// Players send no credentials by cookie or header, so `*` stands for each origin and each header field.
public enum CORSFault: Sendable, Equatable {
    case noOrigin, otherOrigin
    /// A browser takes no list.
    case severalOrigins
    /// The page does not see these header fields.
    case hidden([String])

    /// What a player joins ranges by. Of what else it reads, browsers show Content-Length and Content-Type to each page.
    private static let needed = ["ETag", "Content-Range"]

    /// Nil where the page may read the answer.
    /// - Parameters:
    ///   - origin: of the page.
    ///   - allowOrigin: `Access-Control-Allow-Origin`, all its lines combined.
    ///   - exposeHeaders: `Access-Control-Expose-Headers`, likewise.
    public init?(origin: String, allowOrigin: String?, exposeHeaders: String?) {
        guard let allowOrigin else {
            self = .noOrigin
            return
        }
        guard allowOrigin == "*" || allowOrigin == origin else {
            self = allowOrigin.contains(",") ? .severalOrigins : .otherOrigin
            return
        }
        let exposed = (exposeHeaders ?? "").lowercased().split { ", \t".contains($0) }
        guard !exposed.contains("*") else { return nil }
        let hidden = Self.needed.filter { !exposed.contains(Substring($0.lowercased())) }
        guard !hidden.isEmpty else { return nil }
        self = .hidden(hidden)
    }
}

extension CORSFault: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noOrigin: "no Access-Control-Allow-Origin"
        case .otherOrigin: "Access-Control-Allow-Origin names another origin"
        case .severalOrigins:
            "Access-Control-Allow-Origin comes with several values, as where a proxy adds its own to the store's"
        case .hidden(let names): "Access-Control-Expose-Headers lacks \(names.joined(separator: ", "))"
        }
    }
}
