public import StreamIssuing

/// The names of all spans.
public enum SpanName: String, Sendable, CaseIterable {
    case getURL = "stream.get_url"
    case cacheGet = "cache.get"
    case databaseAuthorize = "db.authorize"
    case storageHead = "storage.head"
    case storagePresign = "storage.presign"
    case cacheSet = "cache.set"
}

/// Every attribute that a span may have. The set is closed, so that no token, presigned URL, object key, title or address
/// of a client can become one: a span drops an attribute with any other name.
public enum FieldName: String, Sendable, CaseIterable {
    // OpenTelemetry semantic conventions. Not `url.path`: it may hold anything that a client sent.
    case httpRequestMethod = "http.request.method"
    case httpResponseStatusCode = "http.response.status_code"
    case httpRoute = "http.route"
    case databaseSystemName = "db.system.name"
    case databaseOperationName = "db.operation.name"
    case serverAddress = "server.address"
    case serverPort = "server.port"
    case urlFull = "url.full"
    case errorType = "error.type"
    case exceptionType = "exception.type"
    case trackID = "novatune.track_id"
    case cacheHit = "novatune.cache_hit"
    case correlationID = "novatune.correlation_id"

    /// Whether only `SpanServers` gives its value, which comes from the settings: the general way of setting attributes
    /// drops it.
    var isOfServer: Bool { [.serverAddress, .serverPort, .urlFull].contains(self) }
}

public enum FieldValue: Sendable, Equatable {
    case text(String)
    case number(Int64)
    case flag(Bool)
}

/// An attribute whose value is of a kind that holds no secret.
public struct SpanField: Sendable, Equatable {
    public let name: FieldName
    public let value: FieldValue

    public static let post = SpanField(name: .httpRequestMethod, value: .text("POST"))
    public static let head = SpanField(name: .httpRequestMethod, value: .text("HEAD"))
    /// A method that is not among those that are answered (semantic conventions, `http.request.method`).
    public static let otherMethod = SpanField(name: .httpRequestMethod, value: .text("_OTHER"))
    public static let streamRoute = SpanField(name: .httpRoute, value: .text("/tracks/{trackId}/stream"))
    public static let waveformRoute = SpanField(name: .httpRoute, value: .text("/tracks/{trackId}/waveform"))
    public static let postgreSQL = SpanField(name: .databaseSystemName, value: .text("postgresql"))
    public static let redis = SpanField(name: .databaseSystemName, value: .text("redis"))

    /// The statement of the access query (semantic conventions, `db.operation.name`).
    public static let select = SpanField(name: .databaseOperationName, value: .text("SELECT"))
    public static let get = SpanField(name: .databaseOperationName, value: .text("GET"))
    /// Several commands that are sent together (semantic conventions for Redis).
    public static let pipeline = SpanField(name: .databaseOperationName, value: .text("PIPELINE"))

    public static func status(_ code: Int) -> SpanField {
        SpanField(name: .httpResponseStatusCode, value: .number(Int64(code)))
    }
    public static func track(_ id: ULID) -> SpanField { SpanField(name: .trackID, value: .text(id.description)) }
    public static func cacheHit(_ hit: Bool) -> SpanField { SpanField(name: .cacheHit, value: .flag(hit)) }

    /// The status of the object store's answer, taken from its refusal; nil where there was no answer.
    public static func status(of refusal: Unavailable) -> SpanField? {
        switch refusal.code {
        case "missing_object": .status(404)
        case "refused_object": .status(403)
        case "invalid_object": .status(400)
        case let code where code.hasPrefix("http_"): Int(code.dropFirst("http_".count)).map { .status($0) }
        default: nil
        }
    }

    /// `error.type` alone: a client's mistake is no failure of the span (semantic conventions, HTTP server, "Status").
    public static func error(_ error: any Error) -> SpanField {
        SpanField(name: .errorType, value: .text(SpanErrorType(error).word))
    }

    /// Nil for a value that nginx would not have passed: anything but 1 to 128 of `[A-Za-z0-9._-]`.
    public static func correlation(_ id: String) -> SpanField? {
        guard (1...128).contains(id.utf8.count), id.utf8.allSatisfy({ $0.isCorrelationCharacter }) else { return nil }
        return SpanField(name: .correlationID, value: .text(id))
    }
}

extension UInt8 {
    fileprivate var isCorrelationCharacter: Bool {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// An error as a span records it: a stable word, never its text.
public struct SpanErrorType: Sendable, Equatable {
    public let word: String

    /// A dependency's code, a problem's slug; for any other error its type's name.
    public init(_ error: any Error) {
        word =
            switch error {
            case let error as Unavailable: error.code
            case let error as Problem: error.cause?.code ?? error.kind.slug
            default: "\(type(of: error))"
            }
    }
}
