import Logging
import Observability
import TestSupport
import Testing

@Suite struct JSONLogHandlerTests {
    private static let limit = JSONLogHandler.maximumLineLength

    @Test func lineHasTimestampLevelEventAndSortedFields() throws {
        let log = try CapturedLog()
        log.logger.warning("dependency failed", metadata: ["code": "timeout", "a": "1", "z": "\(7)"])
        let text = try log.text()
        let pattern =
            /\{"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"warning","event":"dependency failed","a":"1","code":"timeout","z":"7"\}\n/
        #expect(text.wholeMatch(of: pattern) != nil, "\(text)")
    }

    @Test(arguments: [
        "\"", "\\", "\n", "\r\n", "\t", "\0", "\u{1F}", "\u{7F}", "é音🎵", "\u{2028}", "\"}\n{\"level\":\"critical",
        "\\u0041",
    ])
    func everyTextIsEscapedAndRoundTrips(_ text: String) throws {
        let log = try CapturedLog()
        log.logger.info("event \(text)", metadata: ["field": "\(text)", "\(text)": "x"])
        #expect(try log.text().utf8.count { $0 == UInt8(ascii: "\n") } == 1)
        let line = try #require(try log.lines().first)
        #expect(line["event"] == "event \(text)" && line["field"] == text && line[text] == "x")
    }

    @Test func metadataOfTheEventOverridesThatOfTheLogger() throws {
        let log = try CapturedLog()
        var logger = log.logger
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        #expect(logger[metadataKey: "a"] == "logger")
        logger.info("e", metadata: ["a": "event"])
        let line = try #require(try log.lines().first)
        #expect(line["a"] == "event" && line["b"] == "logger")
    }

    @Test func eventBelowTheLevelIsNotWritten() throws {
        let log = try CapturedLog(level: .warning)
        log.logger.info("no")
        log.logger.warning("yes")
        #expect(try log.lines().map { $0["event"] } == ["yes"])
    }

    /// Wherever the cut falls: in an escape, in a character of several bytes, between two fields, in a name.
    @Test(arguments: ["a", "\"", "\\", "\u{1}", "é", "🎵", "e\u{301}"])
    func truncatedLineIsOneValidLineAtEveryLength(_ character: String) throws {
        let length = character.utf8.count
        for extra in -60...20 {
            let log = try CapturedLog()
            let value = String(repeating: character, count: max(0, Self.limit + extra) / length)
            log.logger.info("event", metadata: ["a": "\(value)", "b": "\(value)", "c": "short"])
            let text = try log.text()
            #expect(text.utf8.count <= Self.limit)
            #expect(text.hasSuffix("}\n") && text.utf8.count { $0 == UInt8(ascii: "\n") } == 1)
            let line = try #require(try log.lines().first)
            #expect(line["event"] == "event" && line["level"] == "info")
            #expect(value.unicodeScalars.starts(with: (line["a"] ?? "missing").unicodeScalars))
        }
    }

    @Test func lineOfTheMaximumLengthIsComplete() throws {
        let empty = try CapturedLog()
        empty.logger.info("event", metadata: ["a": ""])
        let room = Self.limit - (try empty.text().utf8.count)
        for (missing, isWhole) in [(0, true), (1, true), (-1, false)] {
            let log = try CapturedLog()
            log.logger.info("event", metadata: ["a": "\(String(repeating: "x", count: room - missing))"])
            #expect(try log.lines().first?["a"]?.count == (isWhole ? room - missing : room))
            #expect(try log.text().utf8.count == Self.limit - max(0, missing))
        }
    }

    @Test func fieldThatDoesNotFitIsOmittedWithItsName() throws {
        let log = try CapturedLog()
        log.logger.info("event", metadata: ["a": "1", "b\(String(repeating: "n", count: Self.limit))": "2", "c": "3"])
        let line = try #require(try log.lines().first)
        #expect(line["a"] == "1" && line["c"] == "3" && line.count == 5)
    }

    @Test func longEventIsTruncated() throws {
        let log = try CapturedLog()
        log.logger.info("\(String(repeating: "é", count: Self.limit))", metadata: ["a": "1"])
        let line = try #require(try log.lines().first)
        #expect(line["event"]?.first == "é" && line["a"] == nil)
    }
}
