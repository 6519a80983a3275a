import CLinux

/// Returns memory to the system when the loops have become idle.
///
/// Starting reads most pages of the program and its libraries, because the Swift runtime looks at the conformances of all
/// types; requests need a small part of them. A burst leaves pages in the allocator that were in use between others. Both
/// count as the process's memory until the system is short of it.
struct IdleMemory {
    /// The part of an interval in which the loops work: above it they are busy. Some 600 requests a second.
    private static let busyPart = 0.05
    /// Below it they are idle.
    private static let idlePart = 0.01

    private var busyTime: Duration = .zero
    private var hasWorked = true

    /// Call it once an interval.
    /// - Parameters:
    ///   - busyTime: that all loops have worked since the start.
    ///   - interval: since the former call.
    /// - Returns: whether to return memory now: in the first idle interval after the start, or after a busy one.
    mutating func becomesIdle(busyTime: Duration, interval: Duration) -> Bool {
        let part = (busyTime - self.busyTime) / interval
        self.busyTime = busyTime
        if part > Self.busyPart { hasWorked = true }
        guard hasWorked, part < Self.idlePart else { return false }
        hasWorked = false
        return true
    }

    /// Takes a millisecond. Pages of the program that are used again come from the page cache. A breakpoint that a
    /// debugger has set before is lost.
    static func release() {
        novatune_unmap_program_pages()
        malloc_trim(0)
    }
}
