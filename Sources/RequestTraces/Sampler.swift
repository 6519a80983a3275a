/// Whether a trace is recorded: as its parent decided; without a parent, for a share of the traces (OpenTelemetry SDK specification,
/// ParentBased with root TraceIdRatioBased).
public struct Sampler: Sendable {
    private let bound: UInt64

    /// - Parameter ratio: 0 … 1; other values are clamped.
    public init(ratio: Double) {
        bound = UInt64(min(max(ratio, 0), 1) * 0x1p63)
    }

    /// By the low 64 bits of the id, as other OpenTelemetry SDKs do it: services with the same ratio keep the same traces.
    public func samples(_ traceID: TraceID, parent: TraceParent?) -> Bool {
        parent?.isSampled ?? (traceID.low >> 1 < bound)
    }
}
