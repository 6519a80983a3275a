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

    @Test func fieldsKeepTheirOrderAndTypes() throws {
        let log = try CapturedLog()
        log.logger.with(fields()).info("e")
        #expect(
            try log.text().hasSuffix(
                #""event":"e","z":7,"note":"a \"b\"","yes":true,"id":"00000000000000000000000001","ms":12.034}"# + "\n")
        )
    }

    @Test func metadataFollowsTheFields() throws {
        let log = try CapturedLog()
        var logger = log.logger.with { $0.append("z", 7) }
        logger[metadataKey: "b"] = "2"
        logger.info("e", metadata: ["a": "1"])
        #expect(try log.text().hasSuffix(#""event":"e","z":7,"a":"1","b":"2"}"# + "\n"))
    }

    @Test func otherLoggersHaveNoFields() throws {
        let log = try CapturedLog()
        _ = log.logger.with(fields())
        log.logger.info("e")
        #expect(try log.text().hasSuffix(#""event":"e"}"# + "\n"))
    }

    @Test func logOfAnotherHandlerIsUnchanged() {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }.with(fields())
        logger.info("e")
        #expect(logger.handler is SwiftLogNoOpLogHandler)
    }

    @Test(arguments: [0, 1, 9, 10, 99, 999, 1000, 1001, 10_000, 59_999_999, 3_600_000_000])
    func millisecondsHaveThreeDecimals(microseconds: Int) throws {
        let line = JSONLine.text(maximumLength: 100) { $0.append("d", milliseconds: .microseconds(microseconds)) }
        let read = try JSONDecoder().decode([String: Double].self, from: Data(line.utf8))
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

    /// Also around the length that most lines do not have.
    @Test(arguments: ["x", "é", "\\"]) func lineThatFitsIsNotTruncated(character: String) {
        for count in Array(480...520) + Array(970...1030) + [1300, 1900] {
            let text = String(repeating: character, count: count)
            let line = JSONLine.text(maximumLength: 4096) {
                $0.append("a", text)
                $0.append("b", true)
            }
            let written = String(repeating: character == "\\" ? "\\\\" : character, count: count)
            #expect(line == #"{"a":""# + written + #"","b":true}"# + "\n")
        }
    }

    /// Nothing is written behind the end, whatever the length at which it has to stop.
    @Test func lineOfEveryLengthKeepsToItsMaximum() throws {
        for length in 0...140 {
            let line = JSONLine.text(maximumLength: 24 + length) {
                $0.append("note", "plain")
                $0.append("none", "")
                $0.append("cut", "\"é\n")
                $0.append("yes", false)
                $0.append("id", ULID("00000000000000000000000001")!)
                $0.append("n", -1234)
                $0.append("at", UnixTime(seconds: 0), milliseconds: 7)
                $0.append(escaping: "\"", "v")
            }
            #expect(line.utf8.count <= 24 + length)
            #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
        }
    }
}

extension JSONLine {
    fileprivate static func text(maximumLength: Int, _ fill: (inout JSONLine) -> Void) -> String {
        var text = ""
        unsafe write(maximumLength: maximumLength, prefix: "", fill) {
            text = unsafe String(decoding: $0, as: UTF8.self)
        }
        return text
    }
}
