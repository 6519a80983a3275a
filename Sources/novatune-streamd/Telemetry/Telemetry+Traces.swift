import Logging
import Observability
import RequestTraces

// What becomes of spans.
extension Telemetry {
    /// - Parameter exporter: nil where nobody collects traces: the figures are there, and 0.
    func watch(_ exporter: OTLPExporter?) {
        registry.count("trace_spans_exported_total", "Spans that the collector took.") { Double(exporter?.totals.exported ?? 0) }
        registry.counts("trace_spans_dropped_total", "Spans that did not reach the collector.", label: "reason") {
            let totals = exporter?.totals
            return DropReason.allCases.map { ($0.rawValue, Double(totals?.dropped($0) ?? 0)) }
        }
    }

    func droppedSpans(_ reason: DropReason, _ detail: String) {
        failures.log(.warning, "spans dropped", kind: "spans-\(reason.rawValue)", ["code": "\(reason.rawValue)", "reason": "\(detail)"])
    }
}
