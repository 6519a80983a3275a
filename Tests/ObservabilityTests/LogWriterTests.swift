import Glibc
import Resilience
import TestSupport
import Testing

@testable import Observability

@Suite struct LogWriterTests {
    @Test func lineIsWrittenWithoutAFlush() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("alone"))
        #expect(log.next() == "alone\n")
        // The writer sleeps again, and is woken again.
        log.writer.append(line("later"))
        #expect(log.next() == "later\n")
    }

    /// Far below what may wait, so that a burst finds room.
    @Test func largeBatchIsWrittenBeforeTheIntervalEnds() throws {
        let log = Reader(SOCK_SEQPACKET, interval: .seconds(3600))
        // It wakes the writer, which then rests for an hour.
        log.writer.append(line("first"))
        #expect(log.next() == "first\n")
        let text = line(String(repeating: "x", count: 2047))
        for _ in 0..<(LogWriter.capacity / 4 / 2048) { log.writer.append(text) }
        for _ in 0..<(LogWriter.capacity / 4 / 4096) {
            let isWhole = try #require(log.next()) == text + text
            try #require(isWhole)
        }
    }

    @Test func flushWritesEveryLine() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("a"))
        log.writer.append(line("b"))
        log.writer.flush()
        #expect(log.waiting().joined() == "a\nb\n")
        log.writer.flush()
        #expect(log.waiting() == [])
    }

    @Test func flushDuringARestWritesEveryLine() throws {
        let log = Reader(SOCK_SEQPACKET, interval: .seconds(3600))
        // It wakes the writer, which then rests for an hour.
        log.writer.append(line("first"))
        #expect(log.next() == "first\n")
        for _ in 0..<3 {
            for number in 0..<5 { log.writer.append(line("\(number)")) }
            log.writer.flush()
            #expect(log.waiting() == ["0\n1\n2\n3\n4\n"])
        }
    }

    /// More than may wait, into a socket that holds less, by threads that leave room.
    @Test(arguments: [false, true]) func slowReaderGetsEveryLineInTheOrderOfEachThread(isNonBlocking: Bool) throws {
        let (threads, lines, limit) = (4, 8000, LogWriter.capacity / 2)
        let log = Reader(SOCK_STREAM, isNonBlocking: isNonBlocking)
        let (started, most) = (Locked(0), Locked(0))
        let writing = Threads(threads) {
            let thread = started.withLock { count in
                count += 1
                return count - 1
            }
            for number in 0..<lines {
                while log.writer.waitingBytes >= limit { sched_yield() }
                log.writer.append(line("\(thread) \(number) " + String(repeating: "x", count: 60)))
                let waiting = log.writer.waitingBytes
                most.withLock { $0 = max($0, waiting) }
            }
        }
        #expect(log.fills(to: limit))
        var next = Array(repeating: 0, count: threads)
        for text in try log.lines(threads * lines) {
            let words = text.split(separator: " ")
            try #require(words.count == 3 && words[2].utf8.count == 60, "\(text)")
            let thread = try #require(Int(words[0]))
            try #require(Int(words[1]) == next[thread])
            next[thread] += 1
        }
        _ = writing.results()
        #expect(next == Array(repeating: lines, count: threads))
        #expect(most.withLock { $0 } < limit + threads * 80 && log.writer.droppedLines == 0)
    }

    /// The log is not read, and there is no room: the calls return, and each line that is dropped is counted.
    @Test(.timeLimit(.minutes(1))) func lineIntoAFullBufferIsDroppedAndCountedInsteadOfWaiting() throws {
        let log = Reader(SOCK_STREAM, maximumWait: .seconds(3600))
        let text = String(repeating: "x", count: 99)
        let (threads, lines) = (2, 8000)
        var sent = 0
        // Again where the writer took a batch only after the last line.
        repeat {
            _ = Threads(threads) { for _ in 0..<lines { log.writer.append(line(text)) } }.results()
            sent += threads * lines
        } while log.writer.droppedLines == 0 || log.writer.waitingBytes < LogWriter.capacity
        #expect(log.writer.waitingBytes < LogWriter.capacity + 100)
        // The reader takes them, so the count is not read again.
        let written = sent - log.writer.droppedLines
        #expect(try log.lines(written).allSatisfy { $0 == text })
        log.writer.append(line("fits again"))
        #expect(log.next() == "fits again\n" && log.writer.droppedLines == sent - written)
    }

    @Test(.timeLimit(.minutes(1))) func endingProcessWaitsForTheLogNoLongerThanItsTimeout() throws {
        let log = Reader(SOCK_STREAM, maximumWait: .milliseconds(1), shutdownTimeout: .milliseconds(1))
        var sent = 0
        while log.writer.droppedLines == 0 {
            log.writer.append(line(String(repeating: "x", count: 4095)))
            sent += 1
        }
        log.writer.finish()
        log.writer.append(line("stopped"))
        // One was dropped.
        #expect(try log.lines(sent).last == "stopped")
    }

    @Test func lineAfterTheEndIsWrittenImmediately() {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("before"))
        log.writer.finish()
        log.writer.append(line("after"))
        #expect(log.waiting() == ["before\n", "after\n"])
    }

    /// The log is not read, and there is room: the calls return.
    @Test(.timeLimit(.minutes(1))) func lineAfterTheEndWaitsNoLongerThanTheMaximum() throws {
        let log = Reader(SOCK_STREAM, maximumWait: .milliseconds(1))
        log.writer.finish()
        let text = String(repeating: "x", count: 2559)
        for _ in 0..<80 { log.writer.append(line(text)) }
        #expect(log.writer.waitingBytes > 0 && log.writer.droppedLines == 0)
        #expect(try log.lines(80).allSatisfy { $0 == text })
    }

    @Test func linesThatCannotBeWrittenBlockNoThreadAndAreCounted() {
        let writer = LogWriter(descriptor: -1)
        let many = 2 * LogWriter.capacity / 10
        for _ in 0..<100 { writer.append(line("lost")) }
        for _ in 0..<many { writer.append(line("also lost")) }
        writer.flush()
        #expect(writer.droppedLines == 100 + many)
    }

    @Test func stopWritesTheLastLinesAndEndsTheThread() {
        let log = Reader(SOCK_SEQPACKET, threadName: "t-log")
        log.writer.append(line("last"))
        #expect(ThreadNames.count("t-log") == 1)
        log.writer.stop()
        #expect(log.waiting() == ["last\n"])
        #expect(eventually { ThreadNames.count("t-log") == 0 })
    }

    private func line(_ text: String) -> String { text + "\n" }
}

extension LogWriter {
    fileprivate func append(_ line: String) {
        var line = line
        line.withUTF8 { unsafe append($0) }
    }
}

/// Reads what a log writer writes: with SOCK_SEQPACKET each write by itself.
private final class Reader: Sendable {
    let writer: LogWriter
    private let ends: [Int32]

    init(
        _ kind: __socket_type, isNonBlocking: Bool = false, interval: Duration = LogWriter.interval,
        maximumWait: Duration = LogWriter.maximumWait, shutdownTimeout: Duration = LogWriter.shutdownTimeout,
        threadName: String = "log"
    ) {
        var ends: [Int32] = [-1, -1]
        unsafe socketpair(AF_UNIX, Int32(kind.rawValue), 0, &ends)
        signal(SIGPIPE, SIG_IGN)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if isNonBlocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
        self.ends = ends
        writer = LogWriter(
            descriptor: ends[1], interval: interval, maximumWait: maximumWait, shutdownTimeout: shutdownTimeout,
            threadName: threadName)
    }

    deinit {
        // A write that waits for the reader fails, so that the writer's thread ends before its descriptor is another's.
        close(ends[0])
        writer.stop()
        close(ends[1])
    }

    /// Waits until so many bytes wait; false where that does not come about.
    func fills(to limit: Int) -> Bool {
        let deadline = Deadline(after: .seconds(20))
        while writer.waitingBytes < limit {
            if deadline.isPast { return false }
            sched_yield()
        }
        return true
    }

    /// One write; nil where there is none for long.
    func next() -> String? { read(flags: 0) }

    /// The writes that have been made.
    func waiting() -> [String] {
        var writes: [String] = []
        while let text = read(flags: Int32(MSG_DONTWAIT)) { writes.append(text) }
        return writes
    }

    func lines(_ count: Int) throws -> [Substring] {
        var (text, complete) = ("", 0)
        while complete < count {
            let part = try #require(next())
            complete += part.utf8.count { $0 == UInt8(ascii: "\n") }
            text += part
        }
        return text.split(separator: "\n")
    }

    private func read(flags: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 16 * 1024)
        let count = unsafe recv(ends[0], &bytes, bytes.count, flags)
        return count > 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
    }
}
