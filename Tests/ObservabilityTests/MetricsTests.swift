import Observability
import StreamIssuing
import TestSupport
import Testing

/// Prometheus text format 0.0.4.
@Suite struct MetricsTests {
    private let registry = MetricRegistry()

    @Test func counterWithoutLabelsBeginsAtZero() {
        let counter = registry.counter("a_total", "Help.")
        #expect(registry.exposition() == "# HELP a_total Help.\n# TYPE a_total counter\na_total 0\n")
        counter.increment()
        counter.increment()
        #expect(registry.exposition().hasSuffix("\na_total 2\n"))
    }

    @Test func counterWithLabelsHasASampleForEachCombinationInOrder() {
        let counter = registry.counter("a_total", "Help.", labels: ["status", "hit"])
        #expect(registry.exposition() == "# HELP a_total Help.\n# TYPE a_total counter\n")
        counter.increment("503", "false")
        counter.increment("200", "true")
        counter.increment("200", "false")
        counter.increment("200", "true")
        #expect(
            registry.exposition() == """
                # HELP a_total Help.
                # TYPE a_total counter
                a_total{status="200",hit="false"} 1
                a_total{status="200",hit="true"} 2
                a_total{status="503",hit="false"} 1

                """)
    }

    @Test(arguments: [
        Row(#"a"b"#, #"a\"b"#), Row(#"a\b"#, #"a\\b"#), Row("a\nb", #"a\nb"#), Row("\r\n", "\r\\n"),
        Row("\"\u{301}", "\\\"\u{301}"),
        Row("é", "é"), Row("", ""),
    ])
    func labelValueIsEscaped(_ row: Row<String>) {
        let counter = registry.counter("a_total", "Help.", labels: ["l"])
        counter.increment(row.name)
        let expected = "# HELP a_total Help.\n# TYPE a_total counter\na_total{l=\"\(row.value)\"} 1\n"
        #expect(Array(registry.exposition().utf8) == Array(expected.utf8))
    }

    @Test func histogramIsCumulativeAndBoundsAreInclusive() {
        let histogram = registry.histogram("d_ms", "Help.", bounds: [0.5, 1, 10])
        for value in [0.25, 0.5, 0.75, 1, 10, 10.5, 1000] { histogram.observe(value) }
        #expect(
            registry.exposition() == """
                # HELP d_ms Help.
                # TYPE d_ms histogram
                d_ms_bucket{le="0.5"} 2
                d_ms_bucket{le="1.0"} 4
                d_ms_bucket{le="10.0"} 5
                d_ms_bucket{le="+Inf"} 7
                d_ms_sum 1023
                d_ms_count 7

                """)
    }

    @Test func histogramWithoutObservationsIsAllZero() {
        _ = registry.histogram("d_ms", "Help.", bounds: [1])
        #expect(
            registry.exposition().hasSuffix(
                "d_ms_bucket{le=\"1.0\"} 0\nd_ms_bucket{le=\"+Inf\"} 0\nd_ms_sum 0\nd_ms_count 0\n"))
    }

    @Test func gaugeIsReadAtEachScrape() {
        let clock = SettableWallClock(5)
        registry.gauge("g", "Help.") { Double(clock.now.seconds) }
        #expect(registry.exposition() == "# HELP g Help.\n# TYPE g gauge\ng 5\n")
        clock.set(-7)
        #expect(registry.exposition().hasSuffix("\ng -7\n"))
    }

    @Test func familiesAreInTheOrderOfTheirCreation() {
        _ = registry.counter("z_total", "Z.")
        _ = registry.counter("a_total", "A.")
        #expect(
            registry.exposition().split(separator: "\n").filter { !$0.hasPrefix("#") } == ["z_total 0", "a_total 0"])
    }

    @Test func noIncrementOfSeveralThreadsIsLost() async {
        let counter = registry.counter("a_total", "Help.", labels: ["l"])
        await withTaskGroup { group in
            for index in 0..<4 {
                group.addTask {
                    for _ in 0..<2500 { counter.increment("\(index % 2)") }
                }
            }
        }
        #expect(registry.exposition().hasSuffix("a_total{l=\"0\"} 5000\na_total{l=\"1\"} 5000\n"))
    }
}
