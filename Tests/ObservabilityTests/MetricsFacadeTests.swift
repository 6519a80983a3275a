import CoreMetrics
@testable import Observability
import TestSupport
import Testing

/// swift-metrics in front of the registry.
@Suite struct MetricsFacadeTests {
    private let registry = MetricRegistry()

    private func lines(_ format: ExpositionFormat = .prometheus) -> [String] {
        registry.exposition(format).split(separator: "\n").map { String($0) }
    }

    @Test func instrumentsOfOneNameAndLabelsAreOneSeries() {
        registry.counter("a_total", "Help.", labels: ["x", "y"])
        Counter(label: "a_total", dimensions: [("x", "1"), ("y", "2")], factory: registry).increment()
        Counter(label: "a_total", dimensions: [("y", "2"), ("x", "1")], factory: registry).increment(by: 4)
        #expect(lines() == ["# HELP a_total Help.", "# TYPE a_total counter", #"a_total{x="1",y="2"} 5"#])
    }

    @Test func timerRecordsMilliseconds() {
        registry.histogram("d_ms", "Help.", bounds: [1, 10])
        let timer = Timer(label: "d_ms", factory: registry)
        timer.recordNanoseconds(500_000)
        timer.recordMilliseconds(7)
        timer.recordSeconds(1)
        #expect(lines().contains(#"d_ms_bucket{le="1.0"} 1"#) && lines().contains(#"d_ms_bucket{le="10.0"} 2"#))
        #expect(lines().contains("d_ms_count 3") && lines().contains("d_ms_sum 1007.5"))
    }

    @Test func gaugesRiseAndFall() {
        registry.gauge("g", "Help.", labels: [])
        let gauge = Gauge(label: "g", factory: registry)
        gauge.record(7)
        #expect(lines().last == "g 7")
        Meter(label: "g", factory: registry).decrement(by: 2.5)
        #expect(lines().last == "g 4.5")
    }

    @Test func undeclaredMetricIsExported() {
        Counter(label: "new_total", dimensions: [("l", "v")], factory: registry).increment()
        #expect(lines() == ["# HELP new_total new_total", "# TYPE new_total counter", #"new_total{l="v"} 1"#])
    }

    @Test func declaredLabelsAreExportedFromTheStart() {
        registry.counter("a_total", "Help.", labels: ["l"], known: [["x"], ["y"]])
        #expect(lines().suffix(2) == [#"a_total{l="x"} 0"#, #"a_total{l="y"} 0"#])
    }

    @Test func labelValuesBeyondTheBoundAreCountedAsOther() {
        let counter = registry.counter("a_total", "Help.", labels: ["l"])
        for number in 0..<5000 { counter.increment("\(number)") }
        #expect(lines().count < 600)
        #expect(lines().contains { $0.hasPrefix(#"a_total{l="other"} "#) })
    }

    @Test func openMetricsNamesACountersFamilyWithoutItsSuffixAndEnds() {
        registry.counter("a_total", "Help.").increment()
        registry.gauge("g", "Help.") { 1.5 }
        #expect(
            lines(.openMetrics) == [
                "# HELP a Help.", "# TYPE a counter", "a_total 1", "# HELP g Help.", "# TYPE g gauge", "g 1.5", "# EOF",
            ])
    }

    @Test(
        arguments: [
            row(nil, .prometheus), row("", .prometheus), row("*/*", .prometheus), row("text/plain", .prometheus),
            row("application/openmetrics-text", .openMetrics),
            row(
                "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                .openMetrics),
            row("application/openmetrics-text; version=1.0.0; q=0", .prometheus),
            row("text/plain;q=0.9, application/openmetrics-text;q=0.1", .prometheus),
            row("APPLICATION/OpenMetrics-Text", .openMetrics), row(",;q=,;;=", .prometheus),
            row("application/openmetrics-text;q=x", .openMetrics),
        ] as [FormatCase])
    func formatIsThatOfTheAcceptHeader(_ row: FormatCase) {
        #expect(ExpositionFormat(accept: row.accept) == row.format)
    }

    struct FormatCase: Sendable, CustomTestStringConvertible {
        let accept: String?
        let format: ExpositionFormat
        var testDescription: String { accept ?? "nothing" }
    }

    private static func row(_ accept: String?, _ format: ExpositionFormat) -> FormatCase {
        FormatCase(accept: accept, format: format)
    }

    @Test func figuresOfTheProcessArePlausible() throws {
        let memory = try #require(ProcessFigures.memory)
        #expect(memory.resident > 1_000_000 && memory.virtual > memory.resident)
        #expect(ProcessFigures.cpuSeconds > 0)
        // Otherwise an idle process would keep its code resident.
        #expect(!ProcessFigures.isTraced)
        #expect(ProcessFigures.maximumDescriptors >= ProcessFigures.openDescriptors)
        let before = ProcessFigures.openDescriptors
        let open = try (0..<50).map { _ in try TemporaryDirectory() }.map { try CapturedFile($0) }
        // Other tests open and close some meanwhile.
        #expect(ProcessFigures.openDescriptors >= before + 20)
        withExtendedLifetime(open) {}
    }
}
