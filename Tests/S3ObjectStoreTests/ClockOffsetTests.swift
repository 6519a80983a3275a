import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct ClockOffsetTests {
    private func offset(server: Int64, sent: Int64, received: Int64) -> Int {
        ClockOffset(
            server: UnixTime(seconds: server), sent: UnixTime(seconds: sent), received: UnixTime(seconds: received)
        ).seconds
    }

    @Test func timeThatTheAnswerTookIsNoDifference() {
        for server in Int64(100)...110 { #expect(offset(server: server, sent: 100, received: 110) == 0) }
        #expect(offset(server: 99, sent: 100, received: 110) == 1)
        #expect(offset(server: 130, sent: 100, received: 110) == -20)
    }

    @Test func dateOfAnAnswerIsRead() {
        let moment = UnixTime(seconds: 784_111_777)
        #expect(ClockOffset(date: "Sun, 06 Nov 1994 08:49:37 GMT", sent: moment, received: moment)?.seconds == 0)
        #expect(ClockOffset(date: "Sun, 06 Nov 1994 08:50:07 GMT", sent: moment, received: moment)?.seconds == -30)
        #expect(ClockOffset(date: "nonsense", sent: moment, received: moment) == nil)
        #expect(ClockOffset(date: nil, sent: moment, received: moment) == nil)
    }

    @Test func warningBeginsAtFiveSecondsAndEndsBelowThree() {
        func offset(_ seconds: Int64) -> ClockOffset {
            let now = UnixTime(seconds: 0)
            return ClockOffset(server: UnixTime(seconds: -seconds), sent: now, received: now)
        }
        var warning = ClockWarning()
        #expect(warning.change(offset(4)) == nil)
        #expect(warning.change(offset(-5)) == .differs(offset(-5)))
        #expect(warning.change(offset(4)) == nil && warning.change(nil) == nil && warning.change(offset(3)) == nil)
        #expect(warning.change(offset(2)) == .agrees)
        #expect(warning.change(offset(4)) == nil)
    }

    @Test(arguments: [Row("5 s ahead of the store's", 5), Row("7 s behind the store's", -7), Row("as the store's", 0)])
    func descriptionNamesTheDirection(_ row: Row<Int64>) {
        let now = UnixTime(seconds: 1000)
        let offset = ClockOffset(server: now.adding(.seconds(-row.value)), sent: now, received: now)
        #expect(offset.description == row.name)
    }
}
