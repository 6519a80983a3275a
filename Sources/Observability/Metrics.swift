import Resilience
import Synchronization

/// A number that only rises, one for each combination of label values.
public final class Counter: Sendable {
    /// The number of one combination. Kept by those who count often: finding it costs more than raising it.
    public final class Series: Sendable {
        private let count = Atomic<Int64>(0)

        public func increment() { count.add(1, ordering: .relaxed) }

        var value: Int64 { count.load(ordering: .relaxed) }
    }

    private let labelNames: [String]
    private let allSeries = Locked<[[String]: Series]>([:])

    init(labelNames: [String]) {
        self.labelNames = labelNames
        // Without labels there is one number, and it is there from the beginning.
        if labelNames.isEmpty { _ = series() }
    }

    /// - Parameter labels: one value for each label name, from a small, fixed set.
    public func series(_ labels: String...) -> Series { series(labels) }

    public func increment(_ labels: String...) { series(labels).increment() }

    private func series(_ labels: [String]) -> Series {
        assert(labels.count == labelNames.count)
        return allSeries.withLock { allSeries in
            if let series = allSeries[labels] { return series }
            let series = Series()
            allSeries[labels] = series
            return series
        }
    }

    func samples(_ name: String) -> [String] {
        allSeries.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { labels, series in
            "\(name)\(Exposition.labels(zip(labelNames, labels))) \(series.value)"
        }
    }
}

/// How often a duration fell below each of some bounds.
public final class Histogram: Sendable {
    private struct State {
        var counts: [Int64]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Locked<State>

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Locked(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    public func observe(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[bucket] += 1
            state.sum += value
        }
    }

    func samples(_ name: String) -> [String] {
        let state = state.withLock { $0 }
        var cumulative: Int64 = 0
        var lines: [String] = []
        for (bound, count) in zip(bounds.map { "\($0)" } + ["+Inf"], state.counts) {
            cumulative += count
            lines.append("\(name)_bucket\(Exposition.labels([("le", bound)])) \(cumulative)")
        }
        return lines + ["\(name)_sum \(state.sum)", "\(name)_count \(cumulative)"]
    }
}

/// All metrics of the process, in the Prometheus text format 0.0.4.
public final class MetricRegistry: Sendable {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private struct Family {
        let name: String
        let help: String
        let type: String
        let samples: @Sendable () -> [String]
    }

    private let families = Locked<[Family]>([])

    public init() {}

    /// - Parameter name: ends in `_total`.
    public func counter(_ name: String, _ help: String, labels: [String] = []) -> Counter {
        let counter = Counter(labelNames: labels)
        add(Family(name: name, help: help, type: "counter") { counter.samples(name) })
        return counter
    }

    /// - Parameter bounds: upper bounds, rising.
    public func histogram(_ name: String, _ help: String, bounds: [Double]) -> Histogram {
        let histogram = Histogram(bounds: bounds)
        add(Family(name: name, help: help, type: "histogram") { histogram.samples(name) })
        return histogram
    }

    /// A value that is read when somebody asks.
    public func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double) {
        add(Family(name: name, help: help, type: "gauge") { ["\(name) \(value())"] })
    }

    /// A number that only rises, kept by somebody else and read when it is asked for.
    /// - Parameter name: ends in `_total`.
    public func count(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double) {
        add(Family(name: name, help: help, type: "counter") { ["\(name) \(value())"] })
    }

    /// Numbers that only rise, one for each value of a label.
    public func counts(_ name: String, _ help: String, label: String, _ values: @escaping @Sendable () -> [(String, Double)]) {
        add(
            Family(name: name, help: help, type: "counter") {
                values().sorted { $0.0 < $1.0 }.map { "\(name)\(Exposition.labels([(label, $0.0)])) \($0.1)" }
            })
    }

    /// A value that there is not always.
    public func gauges(_ name: String, _ help: String, _ values: @escaping @Sendable () -> [Double]) {
        add(Family(name: name, help: help, type: "gauge") { values().map { "\(name) \($0)" } })
    }

    /// Values that are read when somebody asks, one for each value of a label.
    public func gauges(_ name: String, _ help: String, label: String, _ values: @escaping @Sendable () -> [(String, Double)]) {
        add(
            Family(name: name, help: help, type: "gauge") {
                values().sorted { $0.0 < $1.0 }.map { "\(name)\(Exposition.labels([(label, $0.0)])) \($0.1)" }
            })
    }

    public func exposition() -> String {
        var text = ""
        for family in families.withLock({ $0 }) {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.type)\n"
            for sample in family.samples() { text += sample + "\n" }
        }
        return text
    }

    private func add(_ family: Family) {
        families.withLock { $0.append(family) }
    }
}

enum Exposition {
    static func labels(_ pairs: some Sequence<(String, String)>) -> String {
        let text = pairs.map { name, value in
            // By scalars: CR LF, or a quote with an accent, is one Character that equals neither.
            let escaped = value.unicodeScalars.map { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }
            return "\(name)=\"\(escaped.joined())\""
        }
        return text.isEmpty ? "" : "{\(text.joined(separator: ","))}"
    }
}
