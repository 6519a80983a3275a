/// The text formats of metrics.
public enum ExpositionFormat: Sendable {
    /// Prometheus text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.0.
    case openMetrics

    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// What an `Accept` header asks for (RFC 9110 §12.5.1): OpenMetrics where its weight is above 0 and no less than
    /// that of plain text.
    public init(accept: String?) {
        var weights: [String: Double] = [:]
        for range in (accept ?? "").split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let type = parts.first else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            weights[type] = max(weights[type] ?? 0, weight)
        }
        let open = weights["application/openmetrics-text"] ?? 0
        self = open > 0 && open >= weights["text/plain"] ?? 0 ? .openMetrics : .prometheus
    }

    /// In OpenMetrics a counter's family is named without the suffix of its samples.
    func familyName(_ name: String, _ type: MetricType) -> String {
        self == .openMetrics && type == .counter && name.hasSuffix("_total") ? String(name.dropLast(6)) : name
    }
}
