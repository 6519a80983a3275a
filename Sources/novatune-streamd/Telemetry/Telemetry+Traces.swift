import Logging
import Observability
import RequestTraces

// Metrics of the export of spans.
extension Telemetry {
    /// - Parameter exporter: nil where no traces are collected: the metrics exist, and are 0.
    func watch(_ exporter: OTLPExporter?) {
        registry.count("novatune_trace_spans_exported_total", "Spans that the collector took.") {
            Double(exporter?.totals.exported ?? 0)
        }
        registry.counts(
            "novatune_trace_spans_dropped_total", "Spans that did not reach the collector.", label: "reason"
        ) {
            let totals = exporter?.totals
            return DropReason.allCases.map { ($0.rawValue, Double(totals?.dropped($0) ?? 0)) }
        }
    }

    /// - Parameter issues: what variables of OpenTelemetry say that this program does not do.
    func warnOfIgnoredVariables(_ issues: [OpenTelemetryVariables.Issue]) {
        for issue in issues {
            logger.warning(
                "environment variable ignored",
                metadata: ["variable": "\(issue.name)", "reason": "\(issue.reason)"])
        }
    }

    func droppedSpans(_ reason: DropReason, _ detail: String) {
        failures.log(
            .warning, "spans dropped", kind: "spans-\(reason.rawValue)",
            ["code": "\(reason.rawValue)", "reason": "\(detail)"])
    }
}
