import Glibc
import Resilience
import TestSupport
import Testing

@testable import Observability

@Suite struct LogWriterTests {
    @Test func lineIsWrittenThoughNobodyAsks() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("alone"), .normal)
        #expect(log.next() == "alone\n")
        // The writer sleeps again, and is woken again.
        log.writer.append(line("later"), .normal)
        #expect(log.next() == "later\n")
    }

    @Test func whatIsUrgentHasBeenWrittenWithAllBeforeIt() throws {
        let log = Reader(SOCK_SEQPACKET, interval: .seconds(3600), patience: .seconds(20))
        // It wakes the writer, which then rests for an hour.
        log.writer.append(line("first"), .normal)
        #expect(log.next() == "first\n")
        for _ in 0..<3 {
            for number in 0..<5 { log.writer.append(line("\(number)"), .normal) }
            log.writer.append(line("urgent"), .urgent)
            #expect(log.waiting() == ["0\n", "1\n", "2\n", "3\n", "4\n", "urgent\n"])
        }
    }

    /// Far below what may wait, so that a burst finds room.
    @Test func muchIsWrittenBeforeTheIntervalIsOver() throws {
        let log = Reader(SOCK_SEQPACKET, interval: .seconds(3600))
        // It wakes the writer, which then rests for an hour.
        log.writer.append(line("first"), .normal)
        #expect(log.next() == "first\n")
        let text = line(String(repeating: "x", count: 2047))
        for _ in 0..<(LogWriter.capacity / 4 / 2048) { log.writer.append(text, .normal) }
        for _ in 0..<(LogWriter.capacity / 4 / 2048) { #expect(log.next() == text) }
    }

    /// Nobody reads, and there is room: the calls come back.
    @Test(.timeLimit(.minutes(1))) func whatIsUrgentWaitsNoLongerThanItsPatience() throws {
        let log = Reader(SOCK_STREAM, patience: .milliseconds(1))
        let text = String(repeating: "x", count: 2559)
        for _ in 0..<80 { log.writer.append(line(text), .urgent) }
        #expect(log.writer.waitingBytes > 0 && log.writer.droppedLines == 0)
        #expect(try log.lines(80).allSatisfy { $0 == text })
    }

    @Test func flushLeavesNothing() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("a"), .normal)
        log.writer.append(line("b"), .normal)
        log.writer.flush()
        #expect(log.waiting() == ["a\n", "b\n"])
        log.writer.flush()
        #expect(log.waiting() == [])
    }

    /// More than may wait, into a socket that holds less: whoever writes waits for whoever reads.
    @Test(arguments: [false, true]) func slowReaderMissesNothingAndEachThreadKeepsItsOrder(isNonBlocking: Bool) throws {
        let (threads, lines) = (4, 8000)
        let log = Reader(SOCK_STREAM, isNonBlocking: isNonBlocking, patience: .seconds(60))
        let (started, most) = (Locked(0), Locked(0))
        let writing = Threads(threads) {
            let thread = started.withLock { count in
                count += 1
                return count - 1
            }
            for number in 0..<lines {
                log.writer.append(
                    line("\(thread) \(number) " + String(repeating: "x", count: 60)), thread == 0 && number % 100 == 0 ? .urgent : .normal)
                let waiting = log.writer.waitingBytes
                most.withLock { $0 = max($0, waiting) }
            }
        }
        #expect(log.isFull())
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
        #expect(most.withLock { $0 } < LogWriter.capacity + 80 && log.writer.droppedLines == 0)
    }

    /// Nobody reads, and there is no room: the calls come back, and the lines are counted.
    @Test(.timeLimit(.minutes(1)), arguments: [LogWriter.Urgency.normal, .urgent])
    func lineThatFindsNoRoomIsDroppedAfterItsPatience(urgency: LogWriter.Urgency) throws {
        let log = Reader(SOCK_STREAM, patience: .milliseconds(1))
        let text = String(repeating: "x", count: 4095)
        var sent = 0
        repeat {
            log.writer.append(line(text), urgency)
            sent += 1
        } while log.writer.droppedLines < 2 || log.writer.waitingBytes < LogWriter.capacity
        let dropped = log.writer.droppedLines
        #expect(try log.lines(sent - dropped).allSatisfy { $0 == text })
        log.writer.append(line("fits again"), .urgent)
        #expect(log.next() == "fits again\n" && log.writer.droppedLines == dropped)
    }

    @Test(.timeLimit(.minutes(1))) func processThatEndsDoesNotWaitForEver() throws {
        let log = Reader(SOCK_STREAM, patience: .milliseconds(1), farewell: .milliseconds(1))
        var sent = 0
        while log.writer.droppedLines == 0 {
            log.writer.append(line(String(repeating: "x", count: 4095)), .normal)
            sent += 1
        }
        log.writer.finish()
        log.writer.append(line("stopped"), .normal)
        // One was dropped.
        #expect(try log.lines(sent).last == "stopped")
    }

    @Test func expendableLineIsDroppedAndCountedInsteadOfWaiting() throws {
        let log = Reader(SOCK_STREAM, patience: .seconds(60))
        let text = String(repeating: "x", count: 99)
        // One of them may be the one that writes.
        let writing = Threads(2) { for _ in 0..<8000 { log.writer.append(line(text), .normal) } }
        // Nobody reads: those that fit are soon followed by some that do not.
        var sent = 0
        let deadline = Deadline(after: .seconds(20))
        while log.writer.droppedLines < 3, !deadline.isPast {
            log.writer.append(line("expendable"), .expendable)
            sent += 1
        }
        #expect(log.writer.droppedLines == 3)
        let read = try log.lines(16_000 + sent - 3)
        #expect(read.count { $0 == text } == 16_000 && read.count { $0 == "expendable" } == sent - 3)
        _ = writing.results()
        log.writer.append(line("fits again"), .expendable)
        #expect(log.next() == "fits again\n" && log.writer.droppedLines == 3)
    }

    @Test func lineAfterTheEndIsWrittenAtOnce() {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("before"), .normal)
        log.writer.finish()
        log.writer.append(line("after"), .normal)
        log.writer.append(line("expendable"), .expendable)
        #expect(log.waiting() == ["before\n", "after\n", "expendable\n"])
    }

    @Test func linesThatCannotBeWrittenStopNobodyAndAreCounted() {
        let writer = LogWriter(descriptor: -1)
        let many = 2 * LogWriter.capacity / 10
        for _ in 0..<100 { writer.append(line("lost"), .urgent) }
        for _ in 0..<many { writer.append(line("also lost"), .normal) }
        writer.flush()
        #expect(writer.droppedLines == 100 + many)
    }

    private func line(_ text: String) -> String { text + "\n" }
}

extension LogWriter {
    fileprivate func append(_ line: String, _ urgency: Urgency) {
        var line = line
        line.withUTF8 { unsafe append($0, urgency) }
    }
}

/// Reads what a log writer writes: with SOCK_SEQPACKET each write by itself.
private final class Reader: Sendable {
    let writer: LogWriter
    private let ends: [Int32]

    init(
        _ kind: __socket_type, isNonBlocking: Bool = false, interval: Duration = LogWriter.interval,
        patience: Duration = LogWriter.patience, farewell: Duration = LogWriter.farewell
    ) {
        var ends: [Int32] = [-1, -1]
        unsafe socketpair(AF_UNIX, Int32(kind.rawValue), 0, &ends)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if isNonBlocking { _ = fcntl(ends[1], F_SETFL, O_NONBLOCK) }
        self.ends = ends
        writer = LogWriter(descriptor: ends[1], interval: interval, patience: patience, farewell: farewell)
    }

    deinit {
        writer.flush()
        for end in ends { close(end) }
    }

    /// Waits until as much waits as may, because nobody reads; false where that does not come about.
    func isFull() -> Bool {
        let deadline = Deadline(after: .seconds(20))
        while writer.waitingBytes < LogWriter.capacity {
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
