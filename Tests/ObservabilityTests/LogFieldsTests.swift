import Foundation
import Logging
@testable import Observability
import StreamIssuing
import TestSupport
import Testing

@Suite struct LogFieldsTests {
    private func fields(note: String = "a \"b\"") -> Logger.Metadata {
        [
            "fields": .stringConvertible(
                LogFields { line in
                    line.append("z", 7)
                    line.append("note", note)
                    line.append("yes", true)
                    line.append("ms", milliseconds: .microseconds(12_034))
                })
        ]
    }

    @Test func fieldsStandInTheirOwnOrderWithTheirOwnTypes() throws {
        let log = try CapturedLog()
        log.logger.info("e", metadata: fields())
        #expect(try log.text().hasSuffix(#""event":"e","z":7,"note":"a \"b\"","yes":true,"ms":12.034}"# + "\n"))
    }

    /// In a log of another make, and where no field was appended.
    @Test func descriptionIsAnObject() {
        #expect(fields().map { "\($0.value)" } == [#"{"z":7,"note":"a \"b\"","yes":true,"ms":12.034}"#])
        #expect("\(LogFields { _ in })" == "{}")
    }

    @Test func otherValuesAreTexts() throws {
        let log = try CapturedLog()
        log.logger.info(
            "e", metadata: ["number": .stringConvertible(7), "object": .stringConvertible(ULID("00000000000000000000000001")!)])
        #expect(try log.text().hasSuffix(#""event":"e","number":"7","object":"00000000000000000000000001"}"# + "\n"))
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
            log.logger.info("e", metadata: fields(note: text))
            let written = try log.text()
            #expect(written.utf8.count <= JSONLogHandler.maximumLineLength)
            #expect(try JSONSerialization.jsonObject(with: Data(written.utf8)) is [String: Any])
        }
    }
}
