import Resilience

/// All metrics of the process, in the formats that Prometheus reads.
///
/// Instruments are made through swift-metrics, whose factory is the registry. Values that other code keeps anyway are
/// read at each scrape. A family is declared once, with its help; its name and type never change.
public final class MetricRegistry: Sendable {
    private let families = Locked<[String: Family]>([:])
    private let order = Locked<[String]>([])

    public init() {}

    // MARK: Declaring

    /// - Parameters:
    ///   - name: ends in `_total`.
    ///   - known: label values that exist from the beginning, at 0, so that a first occurrence is a rise.
    @discardableResult
    public func counter(
        _ name: String, _ help: String, labels: [String] = [], known: [[String]] = []
    ) -> MetricFamily<CounterSeries> {
        let family = MetricFamily(labelNames: labels) { CounterSeries() }
        for values in known { _ = family.series(values) }
        add(
            name,
            Family(help: help, type: .counter, instruments: .counter(family)) {
                family.sorted.map { Sample($0.labels, Double($0.series.value)) }
            })
        return family
    }

    /// - Parameter bounds: upper bounds, inclusive, rising.
    @discardableResult
    public func histogram(
        _ name: String, _ help: String, labels: [String] = [], bounds: [Double], known: [[String]] = []
    ) -> MetricFamily<HistogramSeries> {
        let family = MetricFamily(labelNames: labels) { HistogramSeries(bounds: bounds) }
        for values in known { _ = family.series(values) }
        add(
            name,
            Family(help: help, type: .histogram, instruments: .histogram(family)) {
                family.sorted.flatMap { Self.samples(of: $0.series, $0.labels) }
            })
        return family
    }

    @discardableResult
    public func gauge(_ name: String, _ help: String, labels: [String]) -> MetricFamily<GaugeSeries> {
        let family = MetricFamily(labelNames: labels) { GaugeSeries() }
        add(
            name,
            Family(help: help, type: .gauge, instruments: .gauge(family)) {
                family.sorted.map { Sample($0.labels, $0.series.value) }
            }
        )
        return family
    }

    /// A value that is read at each scrape; nil where there is none.
    public func gauge(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double?) {
        add(name, Family(help: help, type: .gauge) { value().map { [Sample([], $0)] } ?? [] })
    }

    /// A number that only rises, kept by other code and read at each scrape.
    /// - Parameter name: ends in `_total`.
    public func count(_ name: String, _ help: String, _ value: @escaping @Sendable () -> Double) {
        add(name, Family(help: help, type: .counter) { [Sample([], value())] })
    }

    /// Values that are read at each scrape, one for each value of a label.
    public func gauges(
        _ name: String, _ help: String, label: String, _ values: @escaping @Sendable () -> [(String, Double)]
    ) {
        add(name, Family(help: help, type: .gauge) { Self.samples(values(), label) })
    }

    /// Numbers that only rise, read at each scrape, one for each value of a label.
    public func counts(
        _ name: String, _ help: String, label: String, _ values: @escaping @Sendable () -> [(String, Double)]
    ) {
        add(name, Family(help: help, type: .counter) { Self.samples(values(), label) })
    }

    /// A metric that carries its information in its labels.
    public func gauges(_ name: String, _ help: String, labels: [(String, String)]) {
        add(name, Family(help: help, type: .gauge) { [Sample(labels, 1)] })
    }

    private static func samples(_ values: [(String, Double)], _ label: String) -> [Sample] {
        values.sorted { $0.0 < $1.0 }.map { Sample([(label, $0.0)], $0.1) }
    }

    private static func samples(of histogram: HistogramSeries, _ labels: [(String, String)]) -> [Sample] {
        let (buckets, sum) = histogram.snapshot
        let lines = buckets.map { bound, count in
            Sample(labels + [("le", bound.map { "\($0)" } ?? "+Inf")], Double(count), suffix: "_bucket")
        }
        return lines + [
            Sample(labels, sum, suffix: "_sum"), Sample(labels, Double(buckets.last?.count ?? 0), suffix: "_count"),
        ]
    }

    private func add(_ name: String, _ family: Family) {
        families.withLock { families in
            if families[name] == nil { order.withLock { $0.append(name) } }
            families[name] = family
        }
    }

    // MARK: Reading

    func family(_ name: String) -> Family? { families.withLock { $0[name] } }

    public func exposition(_ format: ExpositionFormat = .prometheus) -> String {
        let families = families.withLock { $0 }
        var text = ""
        for name in order.withLock({ $0 }) {
            guard let family = families[name] else { continue }
            let familyName = format.familyName(name, family.type)
            text += "# HELP \(familyName) \(family.help)\n# TYPE \(familyName) \(family.type.rawValue)\n"
            for sample in family.samples() {
                text += "\(name)\(sample.suffix)\(Self.text(sample.labels)) \(Self.text(sample.value))\n"
            }
        }
        return format == .openMetrics ? text + "# EOF\n" : text
    }

    /// Whole numbers without decimals: people read counters, too.
    private static func text(_ value: Double) -> String { Int64(exactly: value).map { String($0) } ?? "\(value)" }

    private static func text(_ labels: [(String, String)]) -> String {
        let text = labels.map { name, value in
            // By scalars: CR LF, or a quote with an accent, is one Character that equals neither.
            let escaped = value.unicodeScalars.map {
                $0 == "\\" ? "\\\\" : $0 == "\"" ? "\\\"" : $0 == "\n" ? "\\n" : String($0)
            }
            return "\(name)=\"\(escaped.joined())\""
        }
        return text.isEmpty ? "" : "{\(text.joined(separator: ","))}"
    }
}

extension MetricRegistry {
    enum Instruments {
        case counter(MetricFamily<CounterSeries>)
        case histogram(MetricFamily<HistogramSeries>)
        case gauge(MetricFamily<GaugeSeries>)
    }

    struct Family: Sendable {
        let help: String
        let type: MetricType
        /// Nil for values that are read at each scrape.
        let instruments: Instruments?
        let samples: @Sendable () -> [Sample]

        init(
            help: String, type: MetricType, instruments: Instruments? = nil, samples: @escaping @Sendable () -> [Sample]
        ) {
            self.help = help
            self.type = type
            self.instruments = instruments
            self.samples = samples
        }
    }

    struct Sample {
        let labels: [(String, String)]
        let value: Double
        let suffix: String

        init(_ labels: [(String, String)], _ value: Double, suffix: String = "") {
            self.labels = labels
            self.value = value
            self.suffix = suffix
        }
    }
}

extension MetricRegistry.Instruments: Sendable {}

enum MetricType: String, Sendable { case counter, gauge, histogram }
