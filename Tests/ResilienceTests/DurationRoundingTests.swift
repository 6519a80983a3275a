import Resilience
import TestSupport
import Testing

@Suite struct DurationRoundingTests {
    @Test(
        arguments: [
            Row("zero", (.zero, 0)), Row("a nanosecond", (.nanoseconds(1), 1)),
            Row("an attosecond", (Duration(secondsComponent: 0, attosecondsComponent: 1), 1)),
            Row("999 µs", (.microseconds(999), 1)), Row("1 ms", (.milliseconds(1), 1)),
            Row("1 ms and 1 ns", (.nanoseconds(1_000_001), 2)),
            Row("1.5 s", (.milliseconds(1500), 1500)), Row("1 s less 1 ns", (.nanoseconds(999_999_999), 1000)),
            Row("a day", (.seconds(86_400), 86_400_000)),
            Row("the last second that fits", (.seconds(2_147_482), 2_147_482_000)),
            Row("the first that does not", (.seconds(2_147_483), .max)),
            Row("for ever", (.seconds(Int64.max), .max)), Row("negative", (.nanoseconds(-1), 0)),
            Row("very negative", (.seconds(-5), 0)),
            Row("-1.5 s", (.milliseconds(-1500), 0)),
        ] as [Row<(Duration, Int32)>])
    func millisecondsAreRoundedUp(_ row: Row<(Duration, Int32)>) {
        #expect(row.value.0.roundedUpMilliseconds == row.value.1)
    }
}
