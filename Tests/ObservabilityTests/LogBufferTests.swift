import Testing

@testable import Observability

@Suite struct LogBufferTests {
    private var buffer = LogBuffer(capacity: 100)
    private var batch = LogBatch()

    @Test mutating func lineWakesAWriterThatSleeps() {
        #expect(buffer.next(hasRested: true) == .sleep)
        #expect(append(10) == .wakeWriter)
        // It is awake until it asks again.
        #expect(append(10) == .nothing)
        #expect(buffer.next(hasRested: true) == .write)
    }

    @Test mutating func writerThatHasNotRestedRestsAndIsNotWoken() {
        #expect(buffer.next(hasRested: false) == .rest)
        #expect(append(10) == .nothing)
        #expect(buffer.next(hasRested: false) == .rest)
        #expect(buffer.next(hasRested: true) == .write)
    }

    @Test mutating func quarterOfTheCapacityEndsTheRest() {
        #expect(append(24) == .nothing)
        #expect(buffer.next(hasRested: false) == .rest)
        #expect(append(1) == .wakeWriter)
        #expect(append(1) == .nothing)
        #expect(buffer.next(hasRested: false) == .write)
        write()
        #expect(append(1) == .nothing && buffer.next(hasRested: false) == .rest)
    }

    @Test mutating func lineIntoAFullBufferIsDroppedAndCounted() {
        _ = append(99)
        // Whole lines only, so the last one may exceed the capacity.
        _ = append(50)
        #expect(buffer.waitingBytes == 149 && buffer.droppedLines == 0)
        #expect(append(1) == .nothing && append(1) == .nothing)
        #expect(buffer.waitingBytes == 149 && buffer.droppedLines == 2)
    }

    @Test mutating func takenBatchFreesItsBytes() {
        _ = append(100)
        buffer.take(into: &batch)
        #expect(buffer.waitingBytes == 0 && buffer.writtenBytes == 0)
        _ = append(1)
        #expect(buffer.waitingBytes == 1 && buffer.droppedLines == 0)
        #expect(batch.byteCount == 100)
    }

    @Test mutating func writtenBytesReachWhatAFlushNames() {
        _ = append(10)
        #expect(buffer.flush() == 10 && buffer.next(hasRested: false) == .write)
        buffer.take(into: &batch)
        // It was appended after the flush, which does not wait for it.
        _ = append(5)
        buffer.finished(batch)
        #expect(buffer.writtenBytes == 10)
        write()
        #expect(buffer.writtenBytes == 15)
    }

    @Test mutating func flushOfNothingLetsTheWriterRest() {
        #expect(buffer.flush() == 0 && buffer.next(hasRested: false) == .rest)
    }

    @Test mutating func linesThatCannotBeWrittenAreCountedAndNotAwaited() {
        _ = append(10)
        _ = append(10)
        buffer.take(into: &batch)
        while batch.next() != nil { batch.wrote(0) }
        buffer.finished(batch)
        #expect(buffer.droppedLines == 2 && buffer.writtenBytes == 20)
    }

    /// The last lines of a process are kept, and each caller sees to it that its own is written.
    @Test mutating func lineAfterTheEndIsAcceptedByAFullBufferAndAwaited() {
        _ = append(100)
        #expect(buffer.finish() == 100)
        #expect(append(10) == .awaitWritten(upTo: 110) && buffer.droppedLines == 0)
        #expect(buffer.next(hasRested: false) == .write)
        write()
        #expect(append(1) == .awaitWritten(upTo: 111))
        #expect(buffer.next(hasRested: false) == .write)
    }

    @Test mutating func closedBufferEndsTheWriterWhenNothingWaits() {
        _ = append(10)
        buffer.close()
        #expect(buffer.next(hasRested: false) == .write)
        write()
        #expect(buffer.next(hasRested: false) == .end)
        #expect(append(10) == .nothing && buffer.droppedLines == 1)
        #expect(buffer.next(hasRested: false) == .end)
    }

    private mutating func append(_ length: Int) -> LogBuffer.Followup {
        let line = Array(repeating: UInt8(ascii: "x"), count: length - 1) + [UInt8(ascii: "\n")]
        return unsafe line.withUnsafeBufferPointer { unsafe buffer.append($0) }
    }

    private mutating func write() {
        buffer.take(into: &batch)
        buffer.finished(batch)
    }
}
