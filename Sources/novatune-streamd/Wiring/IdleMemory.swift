import CLinux
import Glibc
import Observability

/// Gives up resident memory that no request needs, when the loops have become idle.
///
/// Starting reads half of the program's code, because the Swift runtime looks at the conformances of all types. A
/// request reads a tenth of it. A burst leaves free pages in the allocator. All of them stay resident until the system
/// is short of memory.
struct IdleMemory {
    /// The part of an interval in which the loops work: above it they are busy. Some 600 requests a second.
    private static let busyPart = 0.05
    /// Below it they are idle.
    private static let idlePart = 0.01
    /// How long they must have been idle, so that one burst after another does not read the same pages again and again.
    private static let idleTime: Duration = .seconds(5)

    private var busyTime: Duration = .zero
    private var idleFor: Duration = .zero
    private var hasWorked = true

    /// Call it about once a second.
    /// - Parameters:
    ///   - busyTime: that all loops have worked since the start.
    ///   - interval: since the former call.
    /// - Returns: whether to release memory now: once after the start, and once after each busy interval.
    mutating func becomesIdle(busyTime: Duration, interval: Duration) -> Bool {
        let part = (busyTime - self.busyTime) / interval
        self.busyTime = busyTime
        if part > Self.busyPart { hasWorked = true }
        idleFor = part < Self.idlePart ? idleFor + interval : .zero
        guard hasWorked, idleFor >= Self.idleTime else { return false }
        hasWorked = false
        return true
    }

    /// Takes some milliseconds, in which a loop that allocates may wait. Pages of the program that are used again come
    /// from the page cache, or from their file where the system has dropped them there.
    static func release() {
        if !mayHaveChangedCode { novatune_drop_program_pages() }
        malloc_trim(0)
    }

    /// A debugger's breakpoint is a change of the code, and a library that is loaded before all others may replace
    /// functions.
    private static var mayHaveChangedCode: Bool {
        unsafe getenv("LD_PRELOAD") != nil || ProcessFigures.isTraced
    }
}
