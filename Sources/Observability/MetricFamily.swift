import Resilience

/// All series of one name: one for each combination of label values, from small, fixed sets.
public final class MetricFamily<Series: AnyObject & Sendable>: Sendable {
    /// Bounds memory where a label's values turn out to be unbounded: further ones count as `other`.
    static var maximumSeries: Int { 500 }

    let labelNames: [String]
    private let make: @Sendable () -> Series
    private let all = Locked<[[String]: Series]>([:])

    init(labelNames: [String], make: @escaping @Sendable () -> Series) {
        self.labelNames = labelNames
        self.make = make
        // Without labels there is one series, which exists from the beginning.
        if labelNames.isEmpty { _ = series([]) }
    }

    /// Frequent callers keep the result: finding a series costs more than using it.
    /// - Parameter labels: one value for each label name.
    public func series(_ labels: String...) -> Series { series(labels) }

    func series(_ labels: [String]) -> Series {
        assert(labels.count == labelNames.count)
        return all.withLock { all in
            if let series = all[labels] { return series }
            let key = all.count < Self.maximumSeries ? labels : labels.map { _ in "other" }
            if let series = all[key] { return series }
            let series = make()
            all[key] = series
            return series
        }
    }

    /// In the order of their labels.
    var sorted: [(labels: [(String, String)], series: Series)] {
        all.withLock { $0 }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map {
            (Array(zip(labelNames, $0.key)), $0.value)
        }
    }
}

extension MetricFamily<CounterSeries> {
    public func increment(_ labels: String...) { series(labels).increment() }
}

extension MetricFamily<HistogramSeries> {
    public func observe(_ value: Double, _ labels: String...) { series(labels).observe(value) }
}
