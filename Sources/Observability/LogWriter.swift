import Glibc
import Resilience

/// Lines of a log on their way to a descriptor.
///
/// Those who hand one over pay for a copy, not for a system call: a thread of this writer's own writes them, at once or some
/// milliseconds later. It is one write(2) a line all the same, so that a pipe that several processes write to never mixes lines of up to
/// `PIPE_BUF` bytes (POSIX.1-2017, write). A process that ends otherwise than by `finish` takes with it what has not been written:
/// lines of the last interval, or twice `capacity` bytes where whoever reads is slow.
public final class LogWriter: Sendable {
    /// What may become of a line.
    enum Urgency {
        /// Written soon. Who finds too much waiting writes it out, and waits as long as that takes.
        case normal
        /// It, and all before it, have been written when the call returns; or else, where whoever reads is slow, the call has waited for
        /// `patience`.
        case urgent
        /// Written soon, or dropped and counted where too much is waiting: the call waits for nothing.
        case expendable
    }

    /// How long a line waits for company, where a quarter of `capacity` is not together before.
    public static let interval: Duration = .milliseconds(25)
    /// How long something urgent waits for whoever reads.
    static let patience: Duration = .milliseconds(100)
    /// Bytes that may wait.
    public static let capacity = 256 * 1024

    private let queue: LineQueue

    /// - Parameter descriptor: stays open as long as this lives.
    public convenience init(descriptor: Int32) { self.init(descriptor: descriptor, interval: Self.interval, patience: Self.patience) }

    init(descriptor: Int32, interval: Duration, patience: Duration) {
        let queue = LineQueue(descriptor, capacity: Self.capacity, patience: patience)
        self.queue = queue
        _ = WorkerThread(name: "log") {
            while queue.waitForLines() {
                queue.flush()
                // What comes meanwhile is written together, and nobody who hands it over has to wake anybody.
                queue.rest(by: Deadline(after: interval))
            }
        }
    }

    deinit { finish() }

    /// - Parameter line: with its line feed.
    func append(_ line: UnsafeBufferPointer<UInt8>, _ urgency: Urgency) {
        unsafe queue.append(line, urgency)
    }

    /// Returns when all that was handed over before has been written.
    public func flush() { queue.flush() }

    /// The same, and what is handed over later is written at once: for a process that is about to end.
    public func finish() {
        queue.end()
        queue.flush()
    }

    /// Lines that found too much waiting.
    public var droppedLines: Int { queue.droppedLines }

    /// Bytes of lines that are not being written yet: near `capacity` where whoever reads is slow, and beyond it by a line for each
    /// thread that waits.
    public var waitingBytes: Int { queue.waitingBytes }
}

/// What the threads that log share with the one that writes.
private final class LineQueue: Sendable {
    private struct Waiting {
        var lines: [UInt8] = []
        /// Bytes ever, so that somebody can wait for theirs.
        var appended = 0
        var written = 0
        var awaiting = 0
        var dropped = 0
        var isWriterAsleep = false
        /// Not to be left for the rest of an interval.
        var isDue = false
        var isOver = false
    }

    private let descriptor: Int32
    private let capacity: Int
    private let patience: Duration
    private let waiting = Monitored(Waiting())
    /// Held while lines are written, which is what it is for: they keep their order, and whoever comes next finds its own written, by
    /// itself or by the one before it.
    private let writing = Locked<[UInt8]>([])

    init(_ descriptor: Int32, capacity: Int, patience: Duration) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.patience = patience
    }

    var droppedLines: Int { waiting.withLock { $0.dropped } }
    var waitingBytes: Int { waiting.withLock { $0.lines.count } }

    func append(_ line: UnsafeBufferPointer<UInt8>, _ urgency: LogWriter.Urgency) {
        let (mustWrite, mustWake, end) = waiting.withLock { waiting in
            if urgency == .expendable, waiting.lines.count >= capacity {
                waiting.dropped += 1
                return (false, false, 0)
            }
            unsafe waiting.lines.append(contentsOf: line)
            waiting.appended += line.count
            let mustWrite = waiting.isOver || urgency != .expendable && waiting.lines.count >= capacity
            let becomesDue = !waiting.isDue && (urgency == .urgent || waiting.lines.count >= capacity / 4)
            if becomesDue { waiting.isDue = true }
            let mustWake = !mustWrite && (waiting.isWriterAsleep || becomesDue)
            if mustWake { waiting.isWriterAsleep = false }
            return (mustWrite, mustWake, waiting.appended)
        }
        if mustWrite { return flush() }
        if mustWake { waiting.wakeAll() }
        if urgency == .urgent { awaitWritten(end) }
    }

    private func awaitWritten(_ end: Int) {
        let deadline = Deadline(after: patience)
        waiting.withLock { $0.awaiting += 1 }
        waiting.wait { waiting -> Monitored<Waiting>.Verdict<Void> in
            guard waiting.written >= end || deadline.isPast else { return .wait(until: deadline.instant) }
            waiting.awaiting -= 1
            return .done(())
        }
    }

    func flush() {
        writing.withLock { lines in
            waiting.withLock { waiting in
                swap(&waiting.lines, &lines)
                waiting.isDue = false
            }
            unsafe lines.withUnsafeBytes { unsafe write($0) }
            let isAwaited = waiting.withLock { waiting in
                waiting.written += lines.count
                return waiting.awaiting > 0
            }
            if isAwaited { waiting.wakeAll() }
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

    /// Until then, or until something is due.
    func rest(by deadline: Deadline) {
        waiting.wait { $0.isDue || $0.isOver || deadline.isPast ? .done(()) : .wait(until: deadline.instant) }
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
            unsafe write(from: line, to: next)
            unsafe line = next
        }
    }

    /// One line. A log that cannot be written must not stop the service: then the line is gone.
    private func write(from start: UnsafeRawPointer, to end: UnsafeRawPointer) {
        var rest = unsafe start
        while unsafe rest < end {
            let count = unsafe Glibc.write(descriptor, rest, end - rest)
            if count >= 0 {
                unsafe rest += count
            } else if errno == EAGAIN {
                // Somebody else has made the descriptor non-blocking.
                var writable = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe _ = poll(&writable, 1, -1)
            } else if errno != EINTR {
                return
            }
        }
    }
}
