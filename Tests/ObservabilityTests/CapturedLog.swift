import Foundation
import Logging
import Observability
import TestSupport

/// A log that goes to a file, and what it holds. A class, so that the file stays open as long as a test reads the log.
final class CapturedLog {
    private let directory: TemporaryDirectory
    private let file: FileHandle
    private let writer: LogWriter
    let logger: Logger

    init(level: Logger.Level = .info) throws {
        directory = try TemporaryDirectory()
        file = try FileHandle(forWritingTo: URL(fileURLWithPath: try directory.write("", as: "log")))
        let writer = LogWriter(descriptor: file.fileDescriptor)
        self.writer = writer
        logger = Logger(label: "test") { _ in JSONLogHandler(level: SharedLogLevel(level), writer: writer) }
    }

    deinit { writer.flush() }

    func text() throws -> String {
        writer.flush()
        return String(decoding: try Data(contentsOf: URL(fileURLWithPath: directory.path("log"))), as: UTF8.self)
    }

    /// Each line, read by Foundation's JSON reader.
    func lines() throws -> [[String: String]] {
        try text().split(separator: "\n", omittingEmptySubsequences: true).map {
            try JSONDecoder().decode([String: String].self, from: Data($0.utf8))
        }
    }
}
