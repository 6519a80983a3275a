/// The figures as lines, for a terminal and for a log.
struct TopScreen {
    let figures: LiveFigures
    let address: String
    /// Seconds since 1970.
    let clock: Double

    var lines: [String] {
        let latency = "stream_url_request_duration_ms"
        return [
            "novatune-streamd \(figures.version) at \(address)   up \(Self.span(figures.uptime(clock)))",
            "",
            "requests   \(Self.rate(figures.rate("stream_url_requests_total")))/s   "
                + "2xx \(Self.rate(figures.rate(ofClass: "2")))   4xx \(Self.rate(figures.rate(ofClass: "4")))   "
                + "5xx \(Self.rate(figures.rate(ofClass: "5")))   hit ratio \(Self.percent(figures.hitRatio))",
            "latency    p50 \(Self.milliseconds(figures.quantile(0.5, of: latency)))   "
                + "p95 \(Self.milliseconds(figures.quantile(0.95, of: latency)))   p99 \(Self.milliseconds(figures.quantile(0.99, of: latency)))",
            "loops      \(Self.percent(figures.rate("novatune_event_loop_busy_seconds_total"))) busy   "
                + "in hand \(Self.whole(figures.value("novatune_fastcgi_requests_in_hand")))   "
                + "connections \(Self.whole(figures.value("novatune_fastcgi_connections")))   "
                + "waiting for the store \(Self.whole(figures.value("novatune_object_store_calls_waiting")))   "
                + "abandoned \(Self.rate(figures.rate("novatune_requests_abandoned_total")))/s",
        ] + figures.dependencies.map(dependency) + [
            "keys       current \(figures.keyVersion)   \(figures.value("novatune_reload_success") == 1 ? "reload ok" : "RELOAD REFUSED")   "
                + "sealed \(Self.rate(figures.rate("novatune_cache_seals_total")))/s   did not open \(Self.rate(figures.rate("novatune_cache_open_failures_total")))/s",
            "process    cpu \(Self.percent(figures.cpu))   memory \(Self.megabytes(figures.value("process_resident_memory_bytes")))   "
                + "descriptors \(Self.whole(figures.value("process_open_fds"))) of \(Self.whole(figures.value("process_max_fds")))",
        ]
    }

    /// Everything on one line, names before their figures.
    var line: String {
        let latency = "stream_url_request_duration_ms"
        let breakers = figures.dependencies.map { "\($0)=\(breaker($0))" }.joined(separator: " ")
        return
            "requests/s=\(Self.rate(figures.rate("stream_url_requests_total"))) 5xx/s=\(Self.rate(figures.rate(ofClass: "5"))) "
            + "p50=\(Self.milliseconds(figures.quantile(0.5, of: latency))) p95=\(Self.milliseconds(figures.quantile(0.95, of: latency))) "
            + "p99=\(Self.milliseconds(figures.quantile(0.99, of: latency))) hits=\(Self.percent(figures.hitRatio)) "
            + "busy=\(Self.percent(figures.rate("novatune_event_loop_busy_seconds_total"))) \(breakers) "
            + "cpu=\(Self.percent(figures.cpu)) memory=\(Self.megabytes(figures.value("process_resident_memory_bytes")))"
    }

    private func dependency(_ name: String) -> String {
        let isWell = figures.value("novatune_readiness", ["dependency": name]) == 1
        let title = Self.padded(name, 13)
        return "\(title) \(isWell ? "answers" : "DOES NOT ANSWER")   breaker \(breaker(name))   "
            + "\(Self.rate(figures.rate("novatune_dependency_call_duration_seconds_count", ["dependency": name])))/s   "
            + "p95 \(Self.milliseconds(figures.quantile(0.95, of: "novatune_dependency_call_duration_seconds", ["dependency": name]).map { $0 * 1000 }))   "
            + "errors \(Self.rate(figures.rate("novatune_dependency_errors_total", ["dependency": name])))/s"
    }

    private func breaker(_ name: String) -> String {
        switch figures.value("novatune_breaker_state", ["dependency": name]) {
        case 1: "OPEN"
        case 2: "half-open"
        default: "closed"
        }
    }

    // MARK: Figures as texts

    static func rate(_ value: Double) -> String { decimal(value, value < 10 ? 1 : 0) }

    static func whole(_ value: Double) -> String { decimal(value, 0) }

    static func percent(_ value: Double?) -> String { value.map { "\(decimal($0 * 100, 1)) %" } ?? "-" }

    static func milliseconds(_ value: Double?) -> String { value.map { "\(decimal($0, $0 < 10 ? 2 : 0)) ms" } ?? "-" }

    static func megabytes(_ value: Double) -> String { "\(decimal(value / 1_048_576, 1)) MB" }

    /// The two largest units: `3 h 12 min`.
    static func span(_ seconds: Double) -> String {
        let whole = Int(seconds)
        switch whole {
        case ..<60: return "\(whole) s"
        case ..<3600: return "\(whole / 60) min \(whole % 60) s"
        case ..<86_400: return "\(whole / 3600) h \(whole / 60 % 60) min"
        default: return "\(whole / 86_400) d \(whole / 3600 % 24) h"
        }
    }

    private static func decimal(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "-" }
        let scale = [1.0, 10, 100][digits]
        let scaled = Int((abs(value) * scale).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int(scale))
        return "\(sign)\(scaled / Int(scale)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
