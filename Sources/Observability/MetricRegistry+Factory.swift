public import CoreMetrics

/// The backend of swift-metrics: its labels are our names, its dimensions our labels.
///
/// An instrument whose name was not declared is declared by its first use, with its name as help.
extension MetricRegistry: MetricsFactory {
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let (names, values) = Self.split(dimensions)
        if case .counter(let family)? = family(label)?.instruments {
            return family.series(Self.ordered(values, names, family.labelNames))
        }
        return counter(label, label, labels: names).series(values)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        gaugeSeries(label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        aggregate ? histogramSeries(label, dimensions) : gaugeSeries(label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        histogramSeries(label, dimensions)
    }

    // Names and their series live as long as the process.
    public func destroyCounter(_ handler: any CounterHandler) {}
    public func destroyMeter(_ handler: any MeterHandler) {}
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// The bounds for times without declared ones, in milliseconds.
    public static let defaultBounds: [Double] = [0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 300, 1000, 2500, 5000, 10_000]

    private func histogramSeries(_ label: String, _ dimensions: [(String, String)]) -> HistogramSeries {
        let (names, values) = Self.split(dimensions)
        if case .histogram(let family)? = family(label)?.instruments {
            return family.series(Self.ordered(values, names, family.labelNames))
        }
        return histogram(label, label, labels: names, bounds: Self.defaultBounds).series(values)
    }

    private func gaugeSeries(_ label: String, _ dimensions: [(String, String)]) -> GaugeSeries {
        let (names, values) = Self.split(dimensions)
        if case .gauge(let family)? = family(label)?.instruments {
            return family.series(Self.ordered(values, names, family.labelNames))
        }
        return gauge(label, label, labels: names).series(values)
    }

    private static func split(_ dimensions: [(String, String)]) -> (names: [String], values: [String]) {
        (dimensions.map(\.0), dimensions.map(\.1))
    }

    /// In the order of the family's declaration; a missing label is empty.
    private static func ordered(_ values: [String], _ names: [String], _ declared: [String]) -> [String] {
        let given = Dictionary(zip(names, values)) { first, _ in first }
        return declared.map { given[$0] ?? "" }
    }
}
