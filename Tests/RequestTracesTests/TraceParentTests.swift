import RequestTraces
import TestSupport
import Testing

@Suite struct TraceParentTests {
    private static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func exampleOfTheStandardIsReadAndWritten() throws {
        let parent = try #require(TraceParent(Self.example))
        #expect(
            parent.traceID.description == "0af7651916cd43dd8448eb211c80319c"
                && parent.spanID.description == "b7ad6b7169203331")
        #expect(parent.isSampled && parent.description == Self.example)
    }

    @Test(arguments: [
        Row("other flags", ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-fe", false)),
        Row("random flag too", ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03", true)),
        Row("higher version", ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)),
        Row("higher version with more", ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-what.ever", false)),
    ])
    func sampledFlagIsBitZero(_ row: Row<(String, Bool)>) throws {
        #expect(try #require(TraceParent(row.value.0)).isSampled == row.value.1)
    }

    @Test(arguments: [
        Row("empty", ""), Row("version ff", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        Row("trace id zero", "00-00000000000000000000000000000000-b7ad6b7169203331-01"),
        Row("span id zero", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01"),
        Row("upper case", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01"),
        Row("version 00 with more", example + "-00"), Row("version 00 with a dash more", example + "-"),
        Row("higher version, more without a dash", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0100"),
        Row("one digit short", String(example.dropLast())),
        Row("space before", " " + example), Row("two of them", "\(example), \(example)"),
        Row("no dashes", "00x0af7651916cd43dd8448eb211c80319cxb7ad6b7169203331x01"),
        Row("not hexadecimal", "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01"),
        Row("accent on a digit", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\u{301}"),
    ])
    func anyOtherTextIsNil(_ row: Row<String>) {
        #expect(TraceParent(row.value) == nil)
    }
}

@Suite struct SamplerTests {
    private func trace(_ low: UInt64) -> TraceID { TraceID(high: .max, low: low) }

    @Test func parentDecidesRegardlessOfTheRatio() {
        let parent = TraceParent(traceID: trace(1), spanID: SpanID(1), isSampled: true)
        let unsampled = TraceParent(traceID: trace(1), spanID: SpanID(1), isSampled: false)
        #expect(Sampler(ratio: 0).samples(parent.traceID, parent: parent))
        #expect(!Sampler(ratio: 1).samples(parent.traceID, parent: unsampled))
    }

    @Test func ratioDecidesWhereParentsAreNotFollowed() {
        let unsampled = TraceParent(traceID: trace(1), spanID: SpanID(1), isSampled: false)
        let sampled = TraceParent(traceID: trace(.max), spanID: SpanID(1), isSampled: true)
        let half = Sampler(ratio: 0.5, followsParent: false)
        #expect(half.samples(unsampled.traceID, parent: unsampled) && !half.samples(sampled.traceID, parent: sampled))
    }

    @Test func lowBitsOfTheTraceIDDecideWithoutAParent() {
        let half = Sampler(ratio: 0.5)
        #expect(
            half.samples(trace(0x7FFF_FFFF_FFFF_FFFF), parent: nil)
                && !half.samples(trace(0x8000_0000_0000_0000), parent: nil))
    }

    @Test(arguments: [0, .max, 1, 1 << 63] as [UInt64])
    func ratiosOfOneAndZeroSampleAllAndNone(_ low: UInt64) {
        #expect(
            Sampler(ratio: 1).samples(trace(low), parent: nil) && Sampler(ratio: 7).samples(trace(low), parent: nil))
        #expect(
            !Sampler(ratio: 0).samples(trace(low), parent: nil) && !Sampler(ratio: -1).samples(trace(low), parent: nil))
    }
}
