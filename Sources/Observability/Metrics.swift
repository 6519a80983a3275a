import Resilience

/// A number that only rises, one for each combination of label values.
public final class Counter: Sendable {
    private let labelNames: [String]
    private let values = Locked<[[String]: Int64]>([:])

    init(labelNames: [String]) { self.labelNames = labelNames }

    /// - Parameter labels: one value for each label name, from a small, fixed set.
    public func increment(_ labels: String...) {
        assert(labels.count == labelNames.count)
        values.withLock { $0[labels, default: 0] += 1 }
    }

    func samples(_ name: String) -> [String] {
        let values = values.withLock { $0 }
        if values.isEmpty, labelNames.isEmpty { return ["\(name) 0"] }
        return values.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { labels, value in
            "\(name)\(Exposition.labels(zip(labelNames, labels))) \(value)"
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
            let escaped = value.flatMap { $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0) }
            return "\(name)=\"\(String(escaped))\""
        }
        return text.isEmpty ? "" : "{\(text.joined(separator: ","))}"
    }
}
