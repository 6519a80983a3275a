import StrictJSON
import TestSupport
import Testing

@Suite struct JSONNumberTests {
    private func read(_ text: String) throws(JSONError) -> JSONValue { try JSONReader.read(Array(text.utf8)) }

    @Test(
        arguments: [
            Row("0", 0), Row("-0", 0), Row("7", 7), Row("-7", -7), Row("10", 10), Row("9223372036854775807", .max),
            Row("-9223372036854775808", .min),
        ] as [Row<Int64>])
    func integerWithinInt64IsExact(_ row: Row<Int64>) throws {
        #expect(try read(row.name) == .integer(row.value))
    }

    @Test(
        arguments: [
            Row("1.0", 1), Row("0.0", 0), Row("-0.0", 0), Row("1.5", 1.5), Row("1e3", 1000), Row("1E3", 1000),
            Row("1e+3", 1000), Row("1e-3", 0.001), Row("0e0", 0), Row("1.0e400", .infinity), Row("1e-400", 0),
            Row("-1.5E-2", -0.015), Row("9223372036854775808", 9_223_372_036_854_775_808),
            Row("-9223372036854775809", -9_223_372_036_854_775_808),
            Row("100000000000000000000000000000000000000000", 1e41),
        ] as [Row<Double>])
    func anyOtherNumberIsTheNearestDouble(_ row: Row<Double>) throws {
        #expect(try read(row.name) == .otherNumber(row.value))
    }

    @Test(arguments: [
        "01", "00", "-01", "007", "+1", "-", "--1", "1.", ".5", "-.5", "1.e3", "1e", "1e+", "1e-", "1e1.5", "1.2.3",
        "0x10", "1_000",
        "1,000", "١",
        "1a", "- 1", "1e 3",
    ])
    func malformedNumberIsRefused(_ text: String) {
        #expect(throws: JSONError.self) { try read(text) }
    }
}
