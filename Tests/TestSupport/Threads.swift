import Foundation

/// Threads of their own, for what blocks: it must not take those of the tests' own pool.
public final class Threads<Result: Sendable>: Sendable {
    private let group = DispatchGroup()
    private let collected = LockedResults()

    private final class LockedResults: @unchecked Sendable {
        private let lock = NSLock()
        private var results: [Result] = []
        func append(_ result: Result) { lock.withLock { results.append(result) } }
        var all: [Result] { lock.withLock { results } }
    }

    /// Starts them immediately.
    public init(_ count: Int, _ body: @escaping @Sendable () -> Result) {
        for _ in 0..<count {
            group.enter()
            Thread.detachNewThread { [group, collected] in
                collected.append(body())
                group.leave()
            }
        }
    }

    /// Waits for all; in no particular order.
    public func results() -> [Result] {
        group.wait()
        return collected.all
    }
}
