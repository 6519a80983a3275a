import StreamIssuing
import TestSupport
import Testing

@Suite struct RateLimitTests {
    @Test(arguments: [.min, -1, 0, 100_001, .max] as [Int64])
    func limitThatNginxWouldRejectIsNil(_ perMinute: Int64) {
        #expect(RateLimit(perMinute: perMinute) == nil)
    }

    /// The figures of nginx/settings.envsh.
    @Test(arguments: [Row("1", 63), Row("7", 9), Row("20", 4), Row("60", 1), Row("100000", 1)] as [Row<Int>])
    func retryAfterEqualsThatOfNginx(_ row: Row<Int>) {
        #expect(RateLimit(perMinute: Int64(row.name)!)?.retryAfterSeconds == row.value)
    }
}
