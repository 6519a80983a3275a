/// A dependency that could not answer.
public struct Unavailable: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Dependency: String, Sendable, CaseIterable {
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

    /// The dependency failed so often that its circuit is open.
    /// - Parameter wait: until the next attempt; rounded up to whole seconds.
    public static func circuitOpen(_ dependency: Dependency, retryAfter wait: Duration) -> Unavailable {
        let (seconds, attoseconds) = wait.components
        return Unavailable(
            dependency, code: "breaker_open", reason: "it failed too often; its circuit is open",
            retryAfterSeconds: Int(seconds) + (attoseconds > 0 ? 1 : 0))
    }

    /// Whether the dependency was called: not where its circuit is open, there is no connection yet, or too many calls
    /// wait for it.
    public var wasAttempted: Bool {
        !["breaker_open", "bulkhead_full", "too_many_waiting", "connecting", "overloaded", "closed"].contains(code)
    }

    /// Whether it is about one track's object, and not about the dependency.
    public var isAboutOneTrack: Bool {
        ["missing_object", "illegal_key", "refused_object", "invalid_object", "too_many_tags"].contains(code)
    }

    public var description: String { "\(dependency.rawValue): \(reason) (\(code))" }
}
