import StreamIssuing
import TestSupport
import Testing

@Suite struct UnixTimeTests {
    @Test(arguments: [
        Row("1970-01-01T00:00:00Z", 0), Row("2026-01-08T12:32:00Z", 1_767_875_520),
        Row("2026-01-08t12:32:00z", 1_767_875_520),
        Row("2026-01-08T12:32:00.987654Z", 1_767_875_520), Row("2026-01-08T14:32:00+02:00", 1_767_875_520),
        Row("2026-01-08T07:02:00-05:30", 1_767_875_520), Row("2024-02-29T23:59:60Z", 1_709_251_200),
        Row("0001-01-01T00:00:00Z", -62_135_596_800),
        Row("9999-12-31T23:59:59Z", 253_402_300_799), Row("2000-02-29T00:00:00Z", 951_782_400),
        Row("1969-12-31T23:59:59Z", -1),
    ])
    func textOfRFC3339IsRead(_ row: Row<Int64>) { #expect(UnixTime(rfc3339: row.name)?.seconds == row.value) }

    @Test(arguments: [
        "", "2026-01-08", "2026-01-08T12:32:00", "2026-01-08T12:32Z", "2026-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-00-01T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-08T24:00:00Z",
        "2026-01-08T12:60:00Z",
        "2026-01-08T12:32:61Z", "2026-01-08T12:32:00.Z", "2026-01-08T12:32:00+2:00", "2026-01-08T12:32:00+0200",
        "2026-01-08T12:32:00+24:00",
        "2026-01-08T12:32:00Z ", " 2026-01-08T12:32:00Z", "2026-01-08T12:32:00ZZ", "+026-01-08T12:32:00Z",
        "2026/01/08T12:32:00Z",
        "٢٠٢٦-01-08T12:32:00Z", "0000-01-01T00:00:00Z", "20260108T123200Z",
    ])
    func anyOtherTextIsNil(_ text: String) { #expect(UnixTime(rfc3339: text) == nil) }

    @Test func writtenTextRoundTrips() {
        for seconds in stride(from: Int64(-62_135_596_800), through: 253_402_300_799, by: 86_400 * 97 + 12_345) {
            #expect(UnixTime(rfc3339: UnixTime(seconds: seconds).rfc3339)?.seconds == seconds)
        }
    }

    @Test func textEqualsThatOfPython() throws {
        let lines = String(decoding: try VectorFile("moments.tsv").bytes(), as: UTF8.self).split(separator: "\n")
        #expect(lines.count > 250)
        for line in lines {
            let fields = line.split(separator: "\t")
            let time = UnixTime(seconds: try #require(Int64(fields[0])))
            #expect(time.rfc3339 == fields[1])
            #expect(time.iso8601Basic == fields[2])
        }
    }

    @Test(
        arguments: [
            Row("1970-01-01T00:00:00Z", 0), Row("1969-12-31T23:59:59Z", -1), Row("2000-02-29T12:00:00Z", 951_825_600),
            Row("2024-02-29T23:59:59Z", 1_709_251_199), Row("2100-02-28T23:59:59Z", 4_107_542_399),
            Row("2100-03-01T00:00:00Z", 4_107_542_400),
            Row("2025-12-31T23:59:59Z", 1_767_225_599), Row("2026-01-01T00:00:00Z", 1_767_225_600),
            Row("2026-01-08T12:32:00Z", 1_767_875_520),
            Row("0000-01-01T00:00:00Z", -62_167_219_200), Row("0000-02-29T00:00:00Z", -62_162_121_600),
            Row("9999-12-31T23:59:59Z", 253_402_300_799),
        ] as [Row<Int64>])
    func knownTimeIsWritten(_ row: Row<Int64>) {
        #expect(UnixTime(seconds: row.value).rfc3339 == row.name)
    }

    @Test(arguments: [Int64.min, -62_167_219_201])
    func timeBeforeTheYearZeroIsWrittenAsItsBeginning(_ seconds: Int64) {
        #expect(UnixTime(seconds: seconds).rfc3339 == "0000-01-01T00:00:00Z")
        #expect(UnixTime(seconds: seconds).iso8601Basic == "00000101T000000Z")
    }

    @Test(arguments: [Int64.max, 253_402_300_800])
    func timeAfterTheYear9999IsWrittenAsItsEnd(_ seconds: Int64) {
        #expect(UnixTime(seconds: seconds).rfc3339 == "9999-12-31T23:59:59Z")
        #expect(UnixTime(seconds: seconds).iso8601Basic == "99991231T235959Z")
    }

    @Test func addingMovesByWholeSeconds() {
        let time = UnixTime(seconds: 100)
        #expect(time.adding(.seconds(20)).seconds == 120)
        #expect(time.adding(.seconds(-200)).seconds == -100)
        #expect(time.adding(.milliseconds(1999)).seconds == 101)
        #expect(time.adding(.zero) == time)
    }

    @Test func addingStopsAtTheEndsOfTheRange() {
        #expect(UnixTime(seconds: .max).adding(.seconds(1)).seconds == .max)
        #expect(UnixTime(seconds: .max - 1).adding(.seconds(2)).seconds == .max)
        #expect(UnixTime(seconds: .min).adding(.seconds(-1)).seconds == .min)
        #expect(UnixTime(seconds: .max).adding(.seconds(-1)).seconds == .max - 1)
        #expect(UnixTime(seconds: .min).adding(.seconds(1)).seconds == .min + 1)
    }

    @Test func earlierTimeIsLess() {
        #expect(UnixTime(seconds: -1) < UnixTime(seconds: 0) && UnixTime(seconds: .min) < UnixTime(seconds: .max))
        #expect(!(UnixTime(seconds: 5) < UnixTime(seconds: 5)))
    }

    @Test func durationBetweenTwoTimesStopsAtTheEnds() {
        let moment = UnixTime(seconds: 1_767_875_400)
        #expect(moment.duration(to: UnixTime(seconds: 1_767_875_440)) == .seconds(40))
        #expect(moment.duration(to: UnixTime(seconds: 1_767_875_399)) == .seconds(-1))
        #expect(UnixTime(seconds: -5).duration(to: .distantFuture) == .seconds(Int64.max))
        #expect(UnixTime(seconds: 5).duration(to: UnixTime(seconds: .min)) == .seconds(Int64.min))
    }
}
