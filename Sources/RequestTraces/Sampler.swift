/// Whether a trace is recorded: as its parent decided; without a parent, for a share of the traces (OpenTelemetry SDK
/// specification, ParentBased with root TraceIdRatioBased). Without regard to the parent it is TraceIdRatioBased alone.
public struct Sampler: Sendable, Equatable {
    private let bound: UInt64
    private let followsParent: Bool

    /// - Parameters:
    ///   - ratio: 0 … 1; other values are clamped.
    ///   - followsParent: whether a request's `traceparent` decides for its own trace.
    public init(ratio: Double, followsParent: Bool = true) {
        bound = UInt64(min(max(ratio, 0), 1) * 0x1p63)
        self.followsParent = followsParent
    }

    /// By the low 64 bits of the id, as other OpenTelemetry SDKs do it: services with the same ratio keep the same
    /// traces.
    /// - Parameter parent: in another process.
    public func samples(_ traceID: TraceID, parent: TraceParent?) -> Bool {
        if followsParent, let parent { return parent.isSampled }
        return traceID.low >> 1 < bound
    }
}
