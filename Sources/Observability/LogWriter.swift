import Glibc
import Resilience

/// Lines of a log on their way to a descriptor.
///
/// Those who hand one over pay for a copy, not for a system call: a thread of this writer's own writes them, at once or some
/// milliseconds later. It is one write(2) a line all the same, so that a pipe that several processes write to never mixes lines of up to
/// `PIPE_BUF` bytes (POSIX.1-2017, write). Nobody waits longer than `patience` for whoever reads: then the line is dropped, and counted.
/// A process that ends otherwise than by `finish` takes with it what has not been written: lines of the last interval, or twice `capacity`
/// bytes where whoever reads is slow.
public final class LogWriter: Sendable {
    /// What may become of a line.
    enum Urgency {
        /// Written soon. Where too much is waiting, the call waits for room.
        case normal
        /// It, and all before it, have been written when the call returns, unless whoever reads is slow.
        case urgent
        /// Written soon, or dropped where too much is waiting: the call waits for nothing.
        case expendable
    }

    /// How long a line waits for company, where a quarter of `capacity` is not together before.
    public static let interval: Duration = .milliseconds(25)
    /// How long a call waits at most for whoever reads.
    static let patience: Duration = .milliseconds(100)
    /// Bytes that may wait.
    public static let capacity = 256 * 1024
    /// How long the last lines may take, where a process ends.
    static let farewell: Duration = .seconds(5)

    private let queue: LineQueue
    private let farewell: Duration

    /// - Parameter descriptor: stays open as long as this lives.
    public convenience init(descriptor: Int32) {
        self.init(descriptor: descriptor, interval: Self.interval, patience: Self.patience, farewell: Self.farewell)
    }

    init(descriptor: Int32, interval: Duration, patience: Duration, farewell: Duration) {
        let queue = LineQueue(descriptor, capacity: Self.capacity, patience: patience)
        self.queue = queue
        self.farewell = farewell
        _ = WorkerThread(name: "log") {
            while queue.waitForLines() {
                queue.flush()
                // What comes meanwhile is written together, and nobody who hands it over has to wake anybody.
                queue.rest(by: Deadline(after: interval))
            }
        }
    }

    deinit {
        finish()
        queue.abandon()
    }

    /// - Parameter line: with its line feed.
    func append(_ line: UnsafeBufferPointer<UInt8>, _ urgency: Urgency) {
        unsafe queue.append(line, urgency)
    }

    /// Returns when all that was handed over before has been written.
    public func flush() { queue.flush() }

    /// Returns when all that was handed over before has been written, or after 5 s. What is handed over later is written at once: for a
    /// process that is about to end.
    public func finish() { queue.end(by: Deadline(after: farewell)) }

    /// Lines that are lost: too much was waiting, or they could not be written.
    public var droppedLines: Int { queue.droppedLines }

    /// Bytes of lines that are not being written yet: near `capacity` where whoever reads is slow.
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
        /// Nothing rests any more, and whoever hands a line over waits until it is written.
        var isOver = false
        var isAbandoned = false
    }

    private struct Writing {
        var lines: [UInt8] = []
        /// The last line was written in part, and its end was not.
        var isTorn = false
    }

    private let descriptor: Int32
    private let capacity: Int
    private let patience: Duration
    private let waiting = Monitored(Waiting())
    /// Held while lines are written, which is what it is for: they keep their order, and whoever comes next finds its own written, by
    /// itself or by the one before it.
    private let writing = Locked(Writing())

    init(_ descriptor: Int32, capacity: Int, patience: Duration) {
        self.descriptor = descriptor
        self.capacity = capacity
        self.patience = patience
    }

    var droppedLines: Int { waiting.withLock { $0.dropped } }
    var waitingBytes: Int { waiting.withLock { $0.lines.count } }

    func append(_ line: UnsafeBufferPointer<UInt8>, _ urgency: LogWriter.Urgency) {
        // Of one who has to wait for room.
        var deadline: Deadline?
        let (mustWake, end) = waiting.wait { waiting -> Monitored<Waiting>.Verdict<(Bool, Int?)> in
            if waiting.lines.count >= capacity, !waiting.isOver {
                if deadline == nil, urgency != .expendable {
                    deadline = Deadline(after: patience)
                    waiting.awaiting += 1
                }
                if let deadline, !deadline.isPast { return .wait(until: deadline.instant) }
                if deadline != nil { waiting.awaiting -= 1 }
                waiting.dropped += 1
                return .done((false, nil))
            }
            if deadline != nil { waiting.awaiting -= 1 }
            unsafe waiting.lines.append(contentsOf: line)
            waiting.appended += line.count
            let becomesDue = !waiting.isDue && (urgency == .urgent || waiting.lines.count >= capacity / 4)
            if becomesDue { waiting.isDue = true }
            let mustWake = waiting.isWriterAsleep || becomesDue
            waiting.isWriterAsleep = false
            return .done((mustWake, waiting.isOver || urgency == .urgent ? waiting.appended : nil))
        }
        if mustWake { waiting.wakeAll() }
        if let end { awaitWritten(end, by: deadline ?? Deadline(after: patience)) }
    }

    private func awaitWritten(_ end: Int, by deadline: Deadline) {
        waiting.withLock { $0.awaiting += 1 }
        waiting.wait { waiting -> Monitored<Waiting>.Verdict<Void> in
            guard waiting.written >= end || deadline.isPast else { return .wait(until: deadline.instant) }
            waiting.awaiting -= 1
            return .done(())
        }
    }

    func flush() {
        writing.withLock { writing in
            let findsRoom = waiting.withLock { waiting in
                swap(&waiting.lines, &writing.lines)
                waiting.isDue = false
                return waiting.awaiting > 0
            }
            if findsRoom { waiting.wakeAll() }
            let lost = write(&writing)
            let isAwaited = waiting.withLock { waiting in
                waiting.written += writing.lines.count
                waiting.dropped += lost
                return waiting.awaiting > 0
            }
            if isAwaited { waiting.wakeAll() }
            writing.lines.removeAll(keepingCapacity: true)
        }
    }

    /// False at the end.
    func waitForLines() -> Bool {
        waiting.wait { waiting in
            waiting.isWriterAsleep = waiting.lines.isEmpty
            guard waiting.lines.isEmpty else { return .done(true) }
            return waiting.isAbandoned ? .done(false) : .wait(until: nil)
        }
    }

    /// Until then, or until something is due.
    func rest(by deadline: Deadline) {
        waiting.wait { $0.isDue || $0.isOver || deadline.isPast ? .done(()) : .wait(until: deadline.instant) }
    }

    func end(by deadline: Deadline) {
        let end = waiting.withLock { waiting in
            waiting.isOver = true
            return waiting.appended
        }
        waiting.wakeAll()
        awaitWritten(end, by: deadline)
    }

    /// Nobody hands anything over any more.
    func abandon() {
        waiting.withLock { $0.isAbandoned = true }
        waiting.wakeAll()
    }

    /// - Returns: how many lines could not be written. That must not stop the service.
    private func write(_ writing: inout Writing) -> Int {
        var isTorn = writing.isTorn
        let lost = unsafe writing.lines.withUnsafeBytes { lines in
            guard var line = lines.baseAddress else { return 0 }
            var lost = 0
            let end = unsafe line + lines.count
            while let feed = unsafe memchr(line, Int32(UInt8(ascii: "\n")), end - line) {
                let next = unsafe UnsafeRawPointer(feed) + 1
                // What was torn off would make one line of two.
                if isTorn, unsafe write(from: feed, to: next) == 1 { isTorn = false }
                let count = unsafe isTorn ? 0 : write(from: line, to: next)
                if unsafe count < next - line {
                    lost += 1
                    isTorn = isTorn || count > 0
                }
                unsafe line = next
            }
            return lost
        }
        writing.isTorn = isTorn
        return lost
    }

    /// - Returns: how many bytes could be written.
    private func write(from start: UnsafeRawPointer, to end: UnsafeRawPointer) -> Int {
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
                break
            }
        }
        return unsafe rest - start
    }
}
