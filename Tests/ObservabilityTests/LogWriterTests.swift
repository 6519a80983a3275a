import Glibc
import Resilience
import TestSupport
import Testing

@testable import Observability

@Suite struct LogWriterTests {
    @Test func lineIsWrittenThoughNobodyAsks() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("alone"), isUrgent: false)
        #expect(log.next() == "alone\n")
        // The writer sleeps again, and is woken again.
        log.writer.append(line("later"), isUrgent: false)
        #expect(log.next() == "later\n")
    }

    @Test func whatIsUrgentHasBeenWrittenWithAllBeforeIt() throws {
        let log = Reader(SOCK_SEQPACKET)
        for number in 0..<5 { log.writer.append(line("\(number)"), isUrgent: false) }
        log.writer.append(line("urgent"), isUrgent: true)
        #expect(log.waiting() == ["0\n", "1\n", "2\n", "3\n", "4\n", "urgent\n"])
    }

    @Test func flushLeavesNothing() throws {
        let log = Reader(SOCK_SEQPACKET)
        log.writer.append(line("a"), isUrgent: false)
        log.writer.append(line("b"), isUrgent: false)
        log.writer.flush()
        #expect(log.waiting() == ["a\n", "b\n"])
        log.writer.flush()
        #expect(log.waiting() == [])
    }

    /// More than may wait, into a pipe that holds less: whoever writes waits for whoever reads.
    @Test func slowReaderMissesNothingAndEachThreadKeepsItsOrder() throws {
        let (threads, lines) = (4, 4000)
        let log = Reader(SOCK_STREAM)
        let started = Locked(0)
        let writing = Threads(threads) {
            let thread = started.withLock { count in
                count += 1
                return count - 1
            }
            for number in 0..<lines {
                log.writer.append(line("\(thread) \(number) " + String(repeating: "x", count: 60)), isUrgent: number % 100 == 0)
            }
        }
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
    }

    @Test func descriptorThatCannotBeWrittenToStopsNobody() {
        let writer = LogWriter(descriptor: -1)
        for _ in 0..<100 { writer.append(line("lost"), isUrgent: true) }
        for _ in 0..<(2 * LogWriter.capacity / 10) { writer.append(line("also lost"), isUrgent: false) }
        writer.flush()
    }

    private func line(_ text: String) -> [UInt8] { Array((text + "\n").utf8) }
}

/// Reads what a log writer writes: with SOCK_SEQPACKET each write by itself.
private final class Reader: Sendable {
    let writer: LogWriter
    private let ends: [Int32]

    init(_ kind: __socket_type) {
        var ends: [Int32] = [-1, -1]
        unsafe socketpair(AF_UNIX, Int32(kind.rawValue), 0, &ends)
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        self.ends = ends
        writer = LogWriter(descriptor: ends[1])
    }

    deinit {
        writer.flush()
        for end in ends { close(end) }
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
