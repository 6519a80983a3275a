import OperatorSettings
import TestSupport
import Testing

@Suite struct DurationTextTests {
    @Test(
        arguments: [
            Row("500ms", .milliseconds(500)), Row("0ms", .zero), Row("120s", .seconds(120)), Row("2m", .seconds(120)),
            Row("1h", .seconds(3600)),
            Row("7d", .seconds(604_800)), Row("00:02:00", .seconds(120)), Row("24:00:00", .seconds(86_400)),
            Row("168:00:00", .seconds(604_800)),
            Row("0:0:5", .seconds(5)), Row("01:02:03", .seconds(3723)), Row("366d", .seconds(31_622_400)),
            Row("0s", .zero),
            Row("007s", .seconds(7)),
            Row("00:59:59", .seconds(3599)),
        ] as [Row<Duration>])
    func durationIsRead(_ row: Row<Duration>) {
        #expect(DurationText.parse(row.name) == row.value)
    }

    @Test(arguments: [
        "", "120", "s", "ms", "-1s", "+1s", "1.5s", "1e3s", "1 s", " 1s", "1s ", "1S", "1sec", "1us", "1w", "1m30s",
        "367d", "31622401s",
        "99999999999999999999s", "1000000000001ms", "9223372036854775807d", "02:00", "00:00:00:00", "00:60:00",
        "00:00:60", ":00:00",
        "00::00",
        "-1:00:00", "00:00:-1", "00:02:00.5", "8785:00:00", "00000:00:01", "１s", "00:0２:00", "٣s",
    ])
    func anythingElseIsRefused(_ text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(
        arguments: [
            Row("0s", .zero), Row("500ms", .milliseconds(500)), Row("1500ms", .milliseconds(1500)),
            Row("120s", .seconds(120)),
            Row("5m", .seconds(300)), Row("301s", .seconds(301)), Row("60m", .seconds(3600)),
            Row("7d", .seconds(604_800)),
        ] as [Row<Duration>])
    func textIsReadAgain(_ row: Row<Duration>) {
        #expect(DurationText.text(row.value) == row.name && DurationText.parse(row.name) == row.value)
    }
}
