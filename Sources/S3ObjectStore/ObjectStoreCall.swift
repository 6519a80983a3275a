public import StreamIssuing

/// The result of a request's call of the object store, for spans, metrics and log lines.
public struct ObjectStoreCall: Sendable, Equatable {
    public enum Operation: String, Sendable {
        case head = "HEAD"
    }

    public let operation: Operation
    public let start: ContinuousClock.Instant
    /// Includes waiting and the retry.
    public let duration: Duration
    /// The store's last answer; nil where none came.
    public let status: Int?
    /// Nil where the object is there.
    public let failure: Unavailable?
    /// Whether the store was called, for this request or for another one that waits for the same object.
    public let wasAttempted: Bool
    /// The object was found recently, and the store is not called again.
    public let isRemembered: Bool
}
