import Foundation
import Glibc
import Logging
import Observability
import TestSupport
import Testing

@Suite struct JournalTests {
    private let directory: TemporaryDirectory
    private let file: FileHandle
    private let stream: String

    init() throws {
        directory = try TemporaryDirectory()
        file = try FileHandle(forWritingTo: URL(fileURLWithPath: try directory.write("", as: "journal")))
        var status = stat()
        try #require(unsafe fstat(file.fileDescriptor, &status) == 0)
        stream = "\(status.st_dev):\(status.st_ino)"
    }

    private func reads(_ value: String?) -> Bool {
        Journal.reads(file.fileDescriptor, environment: value.map { ["JOURNAL_STREAM": $0] } ?? [:])
    }

    @Test func streamOfTheSameDeviceAndInodeIsTheJournals() {
        #expect(reads(stream))
    }

    /// Redirected since, inherited from another service, or not what systemd writes.
    @Test func otherStreamIsNotTheJournals() {
        let parts = stream.split(separator: ":")
        for value in [nil, "", ":", stream + ":", "\(parts[0])", "\(parts[0]):1", "1:\(parts[1])", "x:\(parts[1])"] {
            #expect(!reads(value), "\(value ?? "none")")
        }
        #expect(!Journal.reads(-1, environment: ["JOURNAL_STREAM": stream]))
    }

    @Test(
        arguments: zip(Logger.Level.allCases, ["7", "7", "6", "5", "4", "3", "2"]))
    func lineForTheJournalBeginsWithItsPriority(_ level: Logger.Level, _ priority: String) throws {
        let writer = LogWriter(descriptor: file.fileDescriptor, isReadByJournal: true)
        let logger = Logger(label: "test") { _ in JSONLogHandler(level: SharedLogLevel(.trace), writer: writer) }
        logger.log(level: level, "event", metadata: ["a": "b"])
        writer.flush()
        let text = try String(contentsOfFile: directory.path("journal"), encoding: .utf8)
        #expect(text.hasPrefix("<\(priority)>{\"timestamp\":") && text.hasSuffix("\"event\":\"event\",\"a\":\"b\"}\n"))
    }

    @Test func lineForTheJournalIsNoLongerThanAnother() throws {
        let writer = LogWriter(descriptor: file.fileDescriptor, isReadByJournal: true)
        let logger = Logger(label: "test") { _ in JSONLogHandler(level: SharedLogLevel(.info), writer: writer) }
        logger.info("event", metadata: ["a": "\(String(repeating: "x", count: JSONLogHandler.maximumLineLength))"])
        writer.flush()
        let text = try String(contentsOfFile: directory.path("journal"), encoding: .utf8)
        #expect(text.utf8.count == JSONLogHandler.maximumLineLength && text.hasSuffix("x\"}\n"))
    }
}
