import Glibc
import Resilience

/// Lines of a log on their way to a descriptor.
///
/// Those who hand one over pay for a copy, not for a system call: a thread of this writer's own writes them, some milliseconds later
/// at most. It is one write(2) a line all the same, so that a pipe that several processes write to never mixes lines of up to
/// `PIPE_BUF` bytes (POSIX.1-2017, write). Nothing is dropped: whoever finds too much waiting writes it out, and waits as long as that
/// takes. A process that is killed takes the lines of the last interval with it; one that calls `flush` loses none.
public final class LogWriter: Sendable {
    /// How long a line waits for company.
    public static let interval: Duration = .milliseconds(10)
    /// Bytes that may wait.
    static let capacity = 256 * 1024

    private let queue: LineQueue

    /// - Parameter descriptor: stays open as long as this lives.
    public init(descriptor: Int32) {
        let queue = LineQueue(descriptor)
        self.queue = queue
        _ = WorkerThread(name: "log") {
            while queue.waitForLines() {
                queue.flush()
                // What comes meanwhile is written together, and nobody who hands it over has to wake anybody.
                _ = usleep(UInt32(Self.interval / .microseconds(1)))
            }
        }
    }

    deinit {
        queue.flush()
        queue.end()
    }

    /// - Parameters:
    ///   - line: with its line feed.
    ///   - isUrgent: whether it, and all before it, must have been written when this returns.
    func append(_ line: [UInt8], isUrgent: Bool) {
        let isFull = queue.append(line, isUrgent: isUrgent)
        if isUrgent || isFull { queue.flush() }
    }

    /// Returns when all that was handed over before has been written.
    public func flush() { queue.flush() }
}

/// What the threads that log share with the one that writes.
private final class LineQueue: Sendable {
    private struct Waiting {
        var lines: [UInt8] = []
        var isWriterAsleep = false
        var isOver = false
    }

    private let descriptor: Int32
    private let waiting = Monitored(Waiting())
    /// Held while lines are written, so that they keep their order: whoever comes next finds its own written, by itself or by the one
    /// before it.
    private let writing = Locked<[UInt8]>([])

    init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Returns: whether too much is waiting.
    func append(_ line: [UInt8], isUrgent: Bool) -> Bool {
        let (mustWake, isFull) = waiting.withLock { waiting in
            waiting.lines.append(contentsOf: line)
            let mustWake = waiting.isWriterAsleep && !isUrgent
            if mustWake { waiting.isWriterAsleep = false }
            return (mustWake, waiting.lines.count >= LogWriter.capacity)
        }
        if mustWake { waiting.wakeOne() }
        return isFull
    }

    func flush() {
        writing.withLock { lines in
            waiting.withLock { swap(&$0.lines, &lines) }
            unsafe lines.withUnsafeBytes { unsafe write($0) }
            lines.removeAll(keepingCapacity: true)
        }
    }

    /// False at the end.
    func waitForLines() -> Bool {
        waiting.wait { waiting in
            if waiting.isOver { return .done(false) }
            waiting.isWriterAsleep = waiting.lines.isEmpty
            return waiting.isWriterAsleep ? .wait(until: nil) : .done(true)
        }
    }

    func end() {
        waiting.withLock { $0.isOver = true }
        waiting.wakeAll()
    }

    private func write(_ lines: UnsafeRawBufferPointer) {
        guard var line = lines.baseAddress else { return }
        let end = unsafe line + lines.count
        while let feed = unsafe memchr(line, Int32(UInt8(ascii: "\n")), end - line) {
            let next = unsafe UnsafeRawPointer(feed) + 1
            // A log that cannot be written must not stop the service.
            unsafe _ = Glibc.write(descriptor, line, next - line)
            unsafe line = next
        }
    }
}
