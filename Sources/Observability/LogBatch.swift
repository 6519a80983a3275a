import Glibc

/// Lines that are being written: the batch determines the bytes of each write(2). One write a line, so that a pipe to
/// which several processes write never mixes lines of up to `PIPE_BUF` bytes (POSIX.1-2017, write).
struct LogBatch {
    private var lines: [UInt8] = []
    /// Where the next line begins.
    private var position = 0
    private var lineEnd = 0
    /// The last line that was written lacks its end, and maybe more. Kept from one batch to the next.
    private(set) var isTorn = false
    /// Lines of this batch that could not be written as a whole.
    private(set) var lostLines = 0

    var byteCount: Int { lines.count }

    /// Takes other lines, each with its line feed, and hands over an empty array that keeps its capacity.
    mutating func exchangeLines(_ other: inout [UInt8]) {
        lines.removeAll(keepingCapacity: true)
        swap(&lines, &other)
        (position, lostLines) = (0, 0)
    }

    /// The bytes of the next write; nil where the batch is finished. After each, call `wrote`.
    mutating func next() -> Range<Int>? {
        guard let feed = nextFeed else { return nil }
        lineEnd = feed + 1
        // End a torn line first: otherwise it and the next would be one line.
        return isTorn ? feed..<lineEnd : position..<lineEnd
    }

    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe lines.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// - Parameter count: how many bytes of what `next` returned could be written.
    mutating func wrote(_ count: Int) {
        if isTorn, count == 1 {
            isTorn = false
            return
        }
        if count < lineEnd - position {
            lostLines += 1
            isTorn = isTorn || count > 0
        }
        position = lineEnd
    }

    private var nextFeed: Int? {
        unsafe lines.withUnsafeBytes { bytes in
            guard position < bytes.count, let start = bytes.baseAddress else { return nil }
            return unsafe memchr(start + position, Int32(UInt8(ascii: "\n")), bytes.count - position).map {
                unsafe UnsafeRawPointer($0) - start
            }
        }
    }
}
