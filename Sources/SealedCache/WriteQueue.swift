/// How many writes may wait.
struct WriteLimits {
    /// Writes that wait.
    var entries = 1024
    /// Of all that wait.
    var bytes = 2 << 20
    /// Writes that were sent and have no answer yet.
    var inFlight = 64
}

/// Writes that wait for their turn, bounded: a value.
struct WriteQueue<Write> {
    private let limits: WriteLimits
    private var waiting: [(write: Write, bytes: Int)] = []
    private var head = 0
    private(set) var bytes = 0
    private(set) var inFlight = 0

    init(_ limits: WriteLimits = WriteLimits()) { self.limits = limits }

    var count: Int { waiting.count - head }

    /// - Returns: false where it does not fit.
    mutating func append(_ write: Write, bytes size: Int) -> Bool {
        guard count < limits.entries, bytes + size <= limits.bytes else { return false }
        waiting.append((write, size))
        bytes += size
        return true
    }

    /// The next write, in flight from now on; nil where none waits or enough are in flight.
    mutating func next() -> Write? {
        guard inFlight < limits.inFlight, head < waiting.count else { return nil }
        let (write, size) = waiting[head]
        head += 1
        bytes -= size
        inFlight += 1
        if head == waiting.count || head == 64 {
            waiting.removeFirst(head)
            head = 0
        }
        return write
    }

    /// A write that was in flight has its answer.
    mutating func finished() { inFlight -= 1 }

    /// - Returns: all that wait.
    mutating func removeAll() -> [Write] {
        defer {
            waiting = []
            head = 0
            bytes = 0
        }
        return waiting[head...].map(\.write)
    }
}
