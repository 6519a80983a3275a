import Foundation
import Logging
@testable import Observability
import StreamIssuing
import TestSupport
import Testing

@Suite struct LogFieldsTests {
    private func fields(note: String = "a \"b\"") -> LogFields {
        { line in
            line.append("z", 7)
            line.append("note", note)
            line.append("yes", true)
            line.append("id", ULID("00000000000000000000000001")!)
            line.append("ms", milliseconds: .microseconds(12_034))
        }
    }

    @Test func fieldsStandInTheirOwnOrderWithTheirOwnTypes() throws {
        let log = try CapturedLog()
        log.logger.with(fields()).info("e")
        #expect(
            try log.text().hasSuffix(
                #""event":"e","z":7,"note":"a \"b\"","yes":true,"id":"00000000000000000000000001","ms":12.034}"# + "\n"))
    }

    @Test func metadataStandsBehindThem() throws {
        let log = try CapturedLog()
        var logger = log.logger.with { $0.append("z", 7) }
        logger[metadataKey: "b"] = "2"
        logger.info("e", metadata: ["a": "1"])
        #expect(try log.text().hasSuffix(#""event":"e","z":7,"a":"1","b":"2"}"# + "\n"))
    }

    @Test func neverWaitingLoggerHasThemToo() throws {
        let log = try CapturedLog()
        log.logger.with { $0.append("z", 7) }.neverWaiting.warning("e")
        #expect(try log.text().hasSuffix(#""level":"warning","event":"e","z":7}"# + "\n"))
    }

    @Test func otherLoggersHaveNone() throws {
        let log = try CapturedLog()
        _ = log.logger.with(fields())
        log.logger.info("e")
        #expect(try log.text().hasSuffix(#""event":"e"}"# + "\n"))
    }

    @Test func logOfAnotherMakeStaysAsItIs() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }.with(fields())
        logger.info("e")
        #expect(logger.handler is SwiftLogNoOpLogHandler)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 999, 1000, 1001, 10_000, 59_999_999, 3_600_000_000])
    func millisecondsHaveThreeDecimals(microseconds: Int) throws {
        var line = JSONLine(maximumLength: 100)
        line.append("d", milliseconds: .microseconds(microseconds))
        line.finish()
        let read = try JSONDecoder().decode([String: Double].self, from: Data(line.bytes))
        #expect(read == ["d": Double(microseconds) / 1000])
    }

    @Test func lineOfAnyFieldsIsValidAndNotTooLong() throws {
        for length in stride(from: 0, through: 5000, by: 37) {
            let log = try CapturedLog()
            let text = String(repeating: length % 2 == 0 ? "x" : "\"é", count: length)
            log.logger.with(fields(note: text)).info("e")
            let written = try log.text()
            #expect(written.utf8.count <= JSONLogHandler.maximumLineLength)
            #expect(try JSONSerialization.jsonObject(with: Data(written.utf8)) is [String: Any])
        }
    }
}
