import TestSupport
import Testing

@testable import StreamResponder

@Suite struct RequestLimitsTests {
    private static let now: Int64 = 1_767_875_400_500

    @Test(arguments: [
        Row("1767875400.500", Duration.zero), Row("1767875400.499", .milliseconds(1)),
        Row("1767875398.000", .milliseconds(2500)),
        Row("1767875340.500", .seconds(60)),
    ])
    func waitIsTheTimeSinceNginxSentTheRequest(_ row: Row<Duration>) {
        #expect(RequestLimits.waited(since: row.name, now: Self.now) == row.value)
    }

    /// Another host's clock, another server's idea of the parameter, or nonsense.
    @Test(arguments: [
        "1767875400.501", "1767875340.499", "0.000", "", ".", ".500", "1767875400", "1767875400.5", "1767875400.5000",
        "x.500",
        "1767875400.x00",
        "1767875400.-01", "-1767875400.500", "9223372036854775807.999", "99999999999999999999.000", "1767875400,500",
        "٣.500",
    ])
    func impossibleTimeCountsAsNoWait(received: String) {
        #expect(RequestLimits.waited(since: received, now: Self.now) == .zero)
    }

    @Test func waitThatIsMoreThanTwoClocksDifferenceCountsForTheDuration() {
        #expect(
            [0, 4, 5, 2500].map { RequestLimits.counted(.milliseconds($0)) } == [
                .zero, .zero, .milliseconds(5), .milliseconds(2500),
            ])
    }

    @Test func missingParameterCountsAsNoWait() {
        #expect(RequestLimits.waited(since: nil, now: Self.now) == .zero)
    }
}
