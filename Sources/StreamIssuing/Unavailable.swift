/// A dependency that could not answer.
public struct Unavailable: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Dependency: String, Sendable {
        case database, objectStore = "object_store", cache
    }

    public let dependency: Dependency
    /// A stable word for logs and metrics: `timeout`, `refused`, `missing_object`.
    public let code: String
    /// What happened, safe to log: no key, URL, credential or row's text.
    public let reason: String
    /// When it is worth asking again, in seconds, at least 1.
    public let retryAfterSeconds: Int

    public init(_ dependency: Dependency, code: String, reason: String, retryAfterSeconds: Int = 5) {
        self.dependency = dependency
        self.code = code
        self.reason = reason
        self.retryAfterSeconds = max(1, retryAfterSeconds)
    }

    public var description: String { "\(dependency.rawValue): \(reason) (\(code))" }
}
