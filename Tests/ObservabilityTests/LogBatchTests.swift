import TestSupport
import Testing

@testable import Observability

@Suite struct LogBatchTests {
    private var batch = LogBatch()
    /// What a reader would get.
    private var written = ""

    @Test mutating func shortLinesAreOneWrite() {
        #expect(write("a\nbc\n\nd\n") { $0 } == ["a\nbc\n\nd\n"])
        #expect(batch.lostLines == 0 && !batch.isTorn)
    }

    /// What is longer than PIPE_BUF may be mixed with another process's lines.
    @Test(arguments: [1, 2, 100, 1000, 4095, 4096])
    mutating func writeIsWholeLinesThatAPipeKeepsTogether(length: Int) {
        let lines = (0..<10_000 / length + 2).map { Self.line(length, $0) }
        let perWrite = 4096 / length
        let expected = stride(from: 0, to: lines.count, by: perWrite).map {
            lines[$0..<min($0 + perWrite, lines.count)].joined()
        }
        #expect(write(lines.joined()) { $0 } == expected)
    }

    @Test mutating func longerLineIsAWriteOfItsOwn() {
        let (short, long) = (Self.line(10, 0), Self.line(4097, 1))
        #expect(write(short + long + long + short) { $0 } == [short, long, long, short])
    }

    @Test mutating func emptyBatchIsFinished() {
        #expect(write("") { $0 } == [])
    }

    @Test mutating func lineThatIsWrittenInPartIsEndedBeforeTheNext() {
        #expect(write("first\nsecond\n") { $0 == 13 ? 3 : $0 } == ["first\nsecond\n", "\n", "second\n"])
        #expect(written == "fir\nsecond\n")
        #expect(batch.lostLines == 1 && !batch.isTorn)
    }

    @Test mutating func unwrittenLineNeedsNoLineBreak() {
        #expect(write("lost!\nnext\nlast\n") { $0 == 16 ? 0 : $0 } == ["lost!\nnext\nlast\n", "next\nlast\n"])
        #expect(written == "next\nlast\n" && batch.lostLines == 1)
    }

    /// A full disk stops a write anywhere.
    @Test(arguments: [
        (0, "second\nlast\n"), (3, "fir\nsecond\nlast\n"), (6, "first\nlast\n"), (7, "first\ns\nlast\n"),
        (12, "first\nsecond\nlast\n"), (13, "first\nsecond\n"), (17, "first\nsecond\nlast"),
    ])
    mutating func lineInWhichAWriteStopsIsLost(stop: Int, read: String) {
        var isFirst = true
        _ = write("first\nsecond\nlast\n") { count in
            defer { isFirst = false }
            return isFirst ? stop : count
        }
        #expect(written == read)
        #expect(batch.lostLines == 1 && batch.isTorn == !read.hasSuffix("\n"))
    }

    /// A line without its end is kept apart from its successor, though that belongs to the next batch.
    @Test mutating func tornLineIsEndedByTheNextBatch() {
        _ = write("first\n") { _ in 5 }
        #expect(batch.lostLines == 1 && batch.isTorn)
        #expect(write("second\n") { $0 } == ["\n", "second\n"])
        #expect(written == "first\nsecond\n" && batch.lostLines == 0)
    }

    @Test mutating func lineIsLostWhereTheOneBeforeItCannotBeEnded() {
        _ = write("first\n") { _ in 5 }
        // The write of the end fails for the second line and succeeds for the third.
        var failures = 1
        let writes = write("second\nthird\n") { count in
            failures -= 1
            return failures == 0 ? 0 : count
        }
        #expect(writes == ["\n", "\n", "third\n"])
        #expect(written == "first\nthird\n" && batch.lostLines == 1)
    }

    /// However much of each write is made: a line is whole, or a part of it stands alone and is counted.
    @Test(arguments: [20, 400, 6000]) mutating func noLineDamagesAnother(longest: Int) {
        var random = SeededRandom(seed: 1)
        for _ in 0..<200 {
            (batch, written) = (LogBatch(), "")
            let lines = "abcdefghijklmnopqrst".map {
                String(repeating: $0, count: Int.random(in: 1...longest, using: &random))
            }
            var lost = 0
            for start in stride(from: 0, to: 20, by: 5) {
                _ = write(lines[start..<start + 5].map { $0 + "\n" }.joined()) {
                    Bool.random(using: &random) ? $0 : Int.random(in: 0...$0, using: &random)
                }
                lost += batch.lostLines
            }
            let read = written.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
            #expect(read.allSatisfy { part in lines.contains { $0.hasPrefix(part) } })
            // A line that lacks its end alone is counted as lost, and is ended later.
            #expect(read.count { lines.contains($0) } >= lines.count - lost)
            #expect(Set(read.compactMap(\.first)).count == read.count)
        }
    }

    /// With its line feed as long as that.
    private static func line(_ length: Int, _ number: Int) -> String {
        String(String(repeating: String(number), count: length).prefix(length - 1)) + "\n"
    }

    /// The writes that the batch asks for; `count` says how many bytes of one are made.
    private mutating func write(_ lines: String, _ count: (Int) -> Int) -> [String] {
        var bytes = Array(lines.utf8)
        batch.exchangeLines(&bytes)
        var writes: [String] = []
        while let range = batch.next() {
            let text = unsafe batch.withBytes(range) { unsafe String(decoding: $0, as: UTF8.self) }
            let made = count(range.count)
            writes.append(text)
            written += text.prefix(made)
            batch.wrote(made)
        }
        return writes
    }
}
