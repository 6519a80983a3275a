import Logging
import Observability
import RequestTraces

// Metrics of the export of spans.
extension Telemetry {
    /// - Parameter exporter: nil where no traces are collected: the metrics exist, and are 0.
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
