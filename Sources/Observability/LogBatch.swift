import Glibc

/// Lines that are being written: the batch determines the bytes of each write(2).
///
/// Each write has as many whole lines as fit into `PIPE_BUF` bytes, so that a pipe to which several processes write
/// never mixes them (POSIX.1-2017, write). A longer line is a write of its own.
struct LogBatch {
    private var lines: [UInt8] = []
    /// Where the next line begins.
    private var position = 0
    /// Where the write that `next` returned ends.
    private var writeEnd = 0
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
        guard position < lines.count else { return nil }
        guard !isTorn else {
            // End a torn line first: otherwise it and the next would be one line.
            writeEnd = lineEnd(from: position)
            return writeEnd - 1..<writeEnd
        }
        let limit = position + Int(PIPE_BUF)
        writeEnd = limit < lines.count ? lineStart(before: limit) : lines.count
        if writeEnd == position { writeEnd = lineEnd(from: position) }
        return position..<writeEnd
    }

    func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        unsafe lines.withUnsafeBytes { unsafe body(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }

    /// - Parameter count: how many bytes of what `next` returned could be written. A write that stops early loses the
    ///   line in which it stops.
    mutating func wrote(_ count: Int) {
        if isTorn, count == 1 {
            isTorn = false
            return
        }
        let stop = isTorn ? position : position + count
        guard isTorn || stop < writeEnd else { return position = writeEnd }
        lostLines += 1
        isTorn = isTorn || stop > lineStart(before: stop)
        position = lineEnd(from: stop)
    }

    /// - Returns: where the line begins that has a byte at `place`, or `position` where that is later.
    private func lineStart(before place: Int) -> Int {
        unsafe lines.withUnsafeBytes { bytes in
            unsafe bytes[position..<place].lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? position
        }
    }

    /// Behind the first line feed from `place` on.
    private func lineEnd(from place: Int) -> Int {
        unsafe lines.withUnsafeBytes { bytes in
            unsafe memchr(bytes.baseAddress! + place, Int32(UInt8(ascii: "\n")), bytes.count - place).map {
                unsafe UnsafeRawPointer($0) - bytes.baseAddress! + 1
            } ?? bytes.count
        }
    }
}
