@testable import novatune_streamd
@testable import Observability
import TestSupport
import Testing

@Suite struct LiveFiguresTests {
    private static let start = "process_start_time_seconds 1000\n"

    private func figures(_ before: String?, _ now: String, seconds: Int = 2) -> LiveFigures {
        LiveFigures(
            before.map { MetricsText(Self.start + $0) }, MetricsText(Self.start + now), elapsed: .seconds(seconds),
            clock: 1100)
    }

    @Test func ratesAreIncreasesPerSecond() {
        let figures = figures("a_total 10\n", "a_total 30\n")
        #expect(figures.rate("a_total") == 10 && figures.rise("a_total") == 20)
    }

    @Test func firstSampleCoversTheTimeSinceTheStart() {
        #expect(figures(nil, "a_total 200\n").rate("a_total") == 2)
    }

    @Test func ratesAfterARestartCoverTheTimeSinceIt() {
        let now = MetricsText("process_start_time_seconds 1090\na_total 5\n")
        let figures = LiveFigures(MetricsText(Self.start + "a_total 900\n"), now, elapsed: .seconds(1), clock: 1100)
        #expect(figures.rate("a_total") == 0.5)
    }

    @Test func statusesAreSummedByTheirClass() {
        let text =
            #"stream_url_requests_total{status="error",code="503",cache_hit="false"} 4"# + "\n"
            + #"stream_url_requests_total{status="error",code="500",cache_hit="false"} 2"#
            + "\n" + #"stream_url_requests_total{status="success",code="200",cache_hit="true"} 8"# + "\n"
        let figures = figures("", text)
        #expect(figures.rate(ofClass: "5") == 3 && figures.rate(ofClass: "2") == 4 && figures.rate(ofClass: "4") == 0)
    }

    @Test func quantileIsBetweenItsBucketsBounds() {
        let before =
            #"d_bucket{le="1"} 10"# + "\n" + #"d_bucket{le="10"} 10"# + "\n" + #"d_bucket{le="+Inf"} 10"# + "\n"
        let now = #"d_bucket{le="1"} 60"# + "\n" + #"d_bucket{le="10"} 110"# + "\n" + #"d_bucket{le="+Inf"} 110"# + "\n"
        let figures = figures(before, now)
        #expect(
            figures.quantile(0.5, of: "d") == 1 && figures.quantile(0.25, of: "d") == 0.5
                && figures.quantile(0.75, of: "d") == 5.5)
        #expect(self.figures(now, now).quantile(0.5, of: "d") == nil)
        let beyond = self.figures("", #"d_bucket{le="1"} 0"# + "\n" + #"d_bucket{le="+Inf"} 5"# + "\n")
        #expect(beyond.quantile(0.99, of: "d") == 1)
    }

    @Test func hitRatioIsNilWhereNoURLWasIssued() {
        #expect(figures("", "").hitRatio == nil)
        #expect(figures("", "stream_url_cache_hits_total 3\nstream_url_cache_misses_total 1\n").hitRatio == 0.75)
    }

    @Test(arguments: [
        Row("0 s", 0.0), Row("59 s", 59.9), Row("1 min 0 s", 60), Row("59 min 59 s", 3599), Row("1 h 1 min", 3660),
        Row("2 d 3 h", 183_600),
    ])
    func durationsAreShownInTheirTwoLargestUnits(_ row: Row<Double>) { #expect(TopScreen.span(row.value) == row.name) }

    @Test func figuresAreRounded() {
        #expect(
            TopScreen.rate(9.94) == "9.9" && TopScreen.rate(9.96) == "10.0" && TopScreen.rate(1234.5) == "1235"
                && TopScreen.rate(0) == "0.0")
        #expect(
            TopScreen.milliseconds(0.005) == "0.01 ms" && TopScreen.milliseconds(12.4) == "12 ms"
                && TopScreen.milliseconds(nil) == "-")
        #expect(
            TopScreen.percent(0.9306) == "93.1 %" && TopScreen.percent(nil) == "-"
                && TopScreen.megabytes(23_592_960) == "22.5 MB")
        #expect(TopScreen.rate(.infinity) == "-" && TopScreen.rate(.nan) == "-")
    }

    @Test func escapedLabelsAreRead() {
        let text = MetricsText(#"a{x="1,\"2\\",y="z\n"} 7"# + "\nnonsense\n# HELP a\nb 2\nc{x=1} 3\nd nope\n")
        #expect(text.samples.count == 2)
        #expect(
            text.samples[0] == .init(name: "a", labels: ["x": "1,\"2\\", "y": "z\n"], value: 7) && text.sum("b") == 2)
    }

    /// Whatever the registry writes is read as it was meant.
    @Test func pageOfTheRegistryIsRead() {
        let registry = MetricRegistry()
        registry.counter("a_total", "Help.", labels: ["l"]).increment("\"\\\n é")
        registry.histogram("d_ms", "Help.", bounds: [1]).observe(0.5)
        let text = MetricsText(registry.exposition())
        #expect(text.sum("a_total", ["l": "\"\\\n é"]) == 1 && text.sum("d_ms_bucket", ["le": "1.0"]) == 1)
    }
}
