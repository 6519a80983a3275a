import Observability

/// What a responder did between two reads of its metrics.
struct LiveFigures {
    private let before: MetricsText
    private let now: MetricsText
    /// Between the two reads.
    private let seconds: Double

    /// - Parameter before: nil at the first read: then rates are those since the responder's start.
    init(_ before: MetricsText?, _ now: MetricsText, elapsed: Duration, clock: Double) {
        self.now = now
        if let before, before.sum("process_start_time_seconds") == now.sum("process_start_time_seconds") {
            self.before = before
            seconds = max(0.001, Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18)
        } else {
            self.before = MetricsText("")
            seconds = max(1, clock - (now.sum("process_start_time_seconds") ?? clock))
        }
    }

    func value(_ name: String, _ labels: [String: String] = [:]) -> Double { now.sum(name, labels) ?? 0 }

    func rise(_ name: String, _ labels: [String: String] = [:]) -> Double {
        max(0, value(name, labels) - (before.sum(name, labels) ?? 0))
    }

    func rate(_ name: String, _ labels: [String: String] = [:]) -> Double { rise(name, labels) / seconds }

    /// Answers a second of one class of status: `5` for 5xx.
    func rate(ofClass digit: Character) -> Double {
        let codes = Set(
            now.samples("stream_url_requests_total").compactMap { $0.labels["code"] }.filter { $0.first == digit })
        return codes.reduce(0) { $0 + rate("stream_url_requests_total", ["code": $1]) }
    }

    /// Of the issued URLs; nil where there was none.
    var hitRatio: Double? {
        let (hits, misses) = (rise("stream_url_cache_hits_total"), rise("stream_url_cache_misses_total"))
        return hits + misses > 0 ? hits / (hits + misses) : nil
    }

    /// A quantile of a histogram's rise, interpolated between its bounds as in Prometheus' `histogram_quantile`; nil
    /// where nothing rose.
    func quantile(_ quantile: Double, of name: String, _ labels: [String: String] = [:]) -> Double? {
        let buckets = now.samples("\(name)_bucket").filter { sample in
            labels.allSatisfy { sample.labels[$0.key] == $0.value }
        }
        .compactMap { sample in
            sample.labels["le"].flatMap { le in
                (le == "+Inf" ? Double.infinity : Double(le)).map {
                    (bound: $0, count: rise(sample.name, sample.labels))
                }
            }
        }.sorted { $0.bound < $1.bound }
        guard let total = buckets.last?.count, total > 0 else { return nil }
        let rank = quantile * total
        var (lower, below) = (0.0, 0.0)
        for (bound, count) in buckets {
            if count >= rank, count > below {
                // The last finite bound: the histogram knows nothing beyond it.
                return bound.isInfinite ? lower : lower + (bound - lower) * (rank - below) / (count - below)
            }
            (lower, below) = (bound, count)
        }
        return nil
    }

    /// Part of one core.
    var cpu: Double { rate("process_cpu_seconds_total") }

    func uptime(_ clock: Double) -> Double { max(0, clock - value("process_start_time_seconds")) }

    var version: String { now.samples("novatune_build_info").first?.labels["version"] ?? "?" }

    var keyVersion: String {
        now.samples("novatune_cache_key_current").first { $0.value == 1 }?.labels["key_version"] ?? "?"
    }

    /// The dependencies that breakers and readiness report.
    var dependencies: [String] { now.samples("novatune_breaker_state").compactMap { $0.labels["dependency"] }.sorted() }
}
