/// Log lines that wait to be written. The buffer decides which are dropped, when the writer is woken and when a batch
/// is due; the caller owns locks, threads and the clock.
struct LogBuffer {
    /// What the caller of `append` does next.
    enum Followup: Equatable {
        case nothing
        case wakeWriter
        /// Wakes the writer and waits until `writtenBytes` has reached this.
        case awaitWritten(upTo: Int)
    }

    /// What the writer does next.
    enum Step: Equatable {
        /// Takes the batch and writes it.
        case write
        /// Waits until the interval is over or it is woken.
        case rest
        /// Waits until it is woken.
        case sleep
        case end
    }

    /// Bytes that may wait. A line is taken as long as fewer do, so it may exceed this by one line.
    let capacity: Int
    private var lines: [UInt8] = []
    private var appendedBytes = 0
    /// Bytes of the batches that the writer has dealt with, lost lines included.
    private(set) var writtenBytes = 0
    private(set) var droppedLines = 0
    private var isWriterAsleep = false
    /// The writer does not wait for the end of the interval.
    private var isDue = false
    private var isFinishing = false
    private(set) var isClosed = false

    init(capacity: Int) {
        self.capacity = capacity
    }

    var waitingBytes: Int { lines.count }

    /// Takes a line, or drops and counts it where the buffer is full or closed.
    /// - Parameter line: with its line feed.
    mutating func append(_ line: UnsafeBufferPointer<UInt8>) -> Followup {
        guard !isClosed, lines.count < capacity || isFinishing else {
            droppedLines += 1
            return .nothing
        }
        unsafe lines.append(contentsOf: line)
        appendedBytes += line.count
        let mustWake = becomesDue(isFinishing || lines.count >= capacity / 4) || isWriterAsleep
        isWriterAsleep = false
        return isFinishing ? .awaitWritten(upTo: appendedBytes) : mustWake ? .wakeWriter : .nothing
    }

    /// Makes all waiting lines due.
    /// - Returns: the value of `writtenBytes` once all of them are written.
    mutating func flush() -> Int {
        _ = becomesDue(!lines.isEmpty)
        return appendedBytes
    }

    /// The same, and every later line is due as soon as it is appended.
    mutating func finish() -> Int {
        isFinishing = true
        return flush()
    }

    /// Later lines are dropped, and the writer ends when no line waits.
    mutating func close() { isClosed = true }

    /// - Parameter hasRested: whether the interval since the last batch is over.
    mutating func next(hasRested: Bool) -> Step {
        if isClosed, lines.isEmpty { return .end }
        // An empty buffer does not end a rest: a line that arrives during it need not wake the writer.
        if !hasRested, !isDue, !isClosed { return .rest }
        isWriterAsleep = lines.isEmpty
        return lines.isEmpty ? .sleep : .write
    }

    /// Moves the waiting lines into `batch`, which must be finished.
    mutating func take(into batch: inout LogBatch) {
        batch.exchangeLines(&lines)
        isDue = false
    }

    mutating func finished(_ batch: LogBatch) {
        writtenBytes += batch.byteCount
        droppedLines += batch.lostLines
    }

    /// - Returns: whether it was not due before.
    private mutating func becomesDue(_ condition: Bool) -> Bool {
        guard condition, !isDue else { return false }
        isDue = true
        return true
    }
}
