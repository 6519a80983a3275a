import Glibc
import Logging
@testable import Observability
import StreamResponder
import Testing

@testable import novatune_streamd

@Suite struct TelemetryTests {
    /// Event loops log these, and must not wait for the log's reader.
    @Test(.timeLimit(.minutes(1))) func unreadLogDelaysNoWarningOfADependency() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        #expect(unsafe pipe(&ends) == 0)
        defer { close(ends[1]) }
        // A line that waits for its reader would wait for an hour.
        let writer = LogWriter(
            descriptor: ends[1], interval: .milliseconds(25), maximumWait: .seconds(3600), shutdownTimeout: .seconds(20)
        )
        let logger = Logger(label: "test") { _ in JSONLogHandler(level: SharedLogLevel(.info), writer: writer) }
        let telemetry = Telemetry(logger)
        let reason = Logger.MetadataValue.string(String(repeating: "x", count: 3000))
        for number in 0..<200 {
            telemetry.failures.log(.error, "dependency failed", kind: "\(number)", ["reason": reason])
            telemetry.requests.objectFailures.log(.error, "dependency failed", kind: "\(number)", ["reason": reason])
        }
        telemetry.slowTurn(.seconds(1), loop: 0)
        #expect(writer.droppedLines > 0)
        // The write that waits fails, so that the writer's thread ends before its descriptor is closed.
        close(ends[0])
        writer.stop()
    }
}
