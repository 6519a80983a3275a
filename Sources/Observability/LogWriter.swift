import Glibc
import Resilience

/// Writes log lines to a descriptor.
///
/// `append` copies a line and returns; the writer's own thread writes it within `interval`, together with the others.
/// While `capacity` bytes wait, further lines are dropped and counted, so a log that is not read holds up no request. A
/// process that ends without `finish` loses the lines not yet written: those of one interval, or twice `capacity` bytes
/// where the log is read too slowly.
public final class LogWriter: Sendable {
    /// How long a line waits for others, unless a quarter of `capacity` is waiting before.
    public static let interval: Duration = .milliseconds(25)
    /// Bytes that may wait.
    public static let capacity = 256 * 1024
    /// How long a line that follows `finish` waits for the log reader.
    static let maximumWait: Duration = .milliseconds(100)
    /// How long the last lines may take when a process ends.
    static let shutdownTimeout: Duration = .seconds(5)

    private let buffer = ConditionLocked(LogBuffer(capacity: capacity))
    private let maximumWait: Duration
    private let shutdownTimeout: Duration
    private let thread: WorkerThread
    /// Whether each line must begin with its priority.
    let isReadByJournal: Bool

    /// - Parameters:
    ///   - descriptor: stays open as long as this lives.
    ///   - isReadByJournal: whether the journal reads it, and not a program that expects JSON alone.
    public convenience init(descriptor: Int32, isReadByJournal: Bool = false) {
        self.init(
            descriptor: descriptor, interval: Self.interval, maximumWait: Self.maximumWait,
            shutdownTimeout: Self.shutdownTimeout, isReadByJournal: isReadByJournal)
    }

    init(
        descriptor: Int32, interval: Duration, maximumWait: Duration, shutdownTimeout: Duration,
        threadName: String = "log", isReadByJournal: Bool = false
    ) {
        self.isReadByJournal = isReadByJournal
        self.maximumWait = maximumWait
        self.shutdownTimeout = shutdownTimeout
        thread = WorkerThread(name: threadName) { [buffer] in
            var batch = LogBatch()
            var rest = Deadline(after: .zero)
            while Self.awaitBatch(buffer, rest, &batch) {
                Self.write(&batch, to: descriptor)
                buffer.withLock { $0.finished(batch) }
                buffer.wakeAll()
                rest = Deadline(after: interval)
            }
        }
    }

    deinit { stop() }

    /// - Parameter line: with its line feed.
    func append(_ line: UnsafeBufferPointer<UInt8>) {
        switch buffer.withLock({ unsafe $0.append(line) }) {
        case .nothing: break
        case .wakeWriter: buffer.wakeAll()
        case .awaitWritten(let end):
            buffer.wakeAll()
            awaitWritten(end, by: Deadline(after: maximumWait))
        }
    }

    /// Returns when all lines that were appended before have been written.
    public func flush() {
        let end = buffer.withLock { $0.flush() }
        buffer.wakeAll()
        awaitWritten(end, by: nil)
    }

    /// Returns when all lines that were appended before have been written, or after 5 s. A line that is appended later
    /// has been written when its call returns, unless the log is read too slowly: for a process that is about to end.
    public func finish() { finish(by: Deadline(after: shutdownTimeout)) }

    private func finish(by deadline: Deadline) {
        let end = buffer.withLock { $0.finish() }
        buffer.wakeAll()
        awaitWritten(end, by: deadline)
    }

    /// Finishes and ends the thread, within the same 5 s: a write that has not returned by then is abandoned. Later
    /// lines are dropped.
    public func stop() {
        // `deinit` must not stop it a second time.
        guard !buffer.withLock({ $0.isClosed }) else { return }
        let deadline = Deadline(after: shutdownTimeout)
        finish(by: deadline)
        buffer.withLock { $0.close() }
        buffer.wakeAll()
        thread.join(by: deadline)
    }

    /// Lines that are lost: too many bytes were waiting, or they could not be written.
    public var droppedLines: Int { buffer.withLock { $0.droppedLines } }

    /// Bytes of lines that are not being written yet: near `capacity` where the log is read too slowly.
    public var waitingBytes: Int { buffer.withLock { $0.waitingBytes } }

    private func awaitWritten(_ end: Int, by deadline: Deadline?) {
        buffer.wait { buffer in
            buffer.writtenBytes >= end || deadline?.isPast == true ? .done(()) : .wait(until: deadline?.instant)
        }
    }

    // MARK: The writer's thread

    /// False at the end.
    private static func awaitBatch(_ buffer: ConditionLocked<LogBuffer>, _ rest: Deadline, _ batch: inout LogBatch)
        -> Bool
    {
        buffer.wait { buffer in
            switch buffer.next(hasRested: rest.isPast) {
            case .write:
                buffer.take(into: &batch)
                return .done(true)
            case .rest: return .wait(until: rest.instant)
            case .sleep: return .wait(until: nil)
            case .end: return .done(false)
            }
        }
    }

    private static func write(_ batch: inout LogBatch, to descriptor: Int32) {
        while let range = batch.next() {
            batch.wrote(unsafe batch.withBytes(range) { unsafe write($0, to: descriptor) })
        }
    }

    /// - Returns: how many bytes could be written. A log that cannot be written must not stop the service.
    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        var written = 0
        while written < bytes.count {
            let count = unsafe Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
            if count >= 0 {
                written += count
            } else if errno == EAGAIN {
                // Another process has made the descriptor non-blocking.
                var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe _ = poll(&writable, 1, -1)
            } else if errno != EINTR {
                break
            }
        }
        return written
    }
}
