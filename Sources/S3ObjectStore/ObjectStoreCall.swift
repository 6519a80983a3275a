public import StreamIssuing

/// How a request's call of the object store went: all that a span, a metric and a log line say of it.
public struct ObjectStoreCall: Sendable, Equatable {
    public enum Operation: String, Sendable {
        case head = "HEAD"
    }

    public let operation: Operation
    public let start: ContinuousClock.Instant
    /// Waiting and retry included.
    public let duration: Duration
    /// The store's last answer; nil where none came.
    public let status: Int?
    /// Nil where the object is there.
    public let failure: Unavailable?
    /// Whether the store was called, for this request or for another one that waits for the same object.
    public let wasAttempted: Bool
    /// The object was found lately, and the store is not called again.
    public let isRemembered: Bool
}
