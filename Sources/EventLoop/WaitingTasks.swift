/// Tasks that wait for values, in order of arrival, each until its own deadline.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
public final class WaitingTasks<Value: Sendable>: @unchecked Sendable {
    private let loop: EventLoop
    /// By ascending number; a task that gave up has none.
    private var promises: [UInt64: Promise<Value?>] = [:]
    private var first: UInt64 = 0
    private var next: UInt64 = 0

    public init(_ loop: EventLoop) {
        self.loop = loop
    }

    public var count: Int { promises.count }

    /// Waits for a value.
    /// - Parameter willWait: receives a function that ends the wait as the deadline does.
    /// - Returns: nil where none came before the deadline.
    public nonisolated(nonsending) func value(
        by deadline: ContinuousClock.Instant, willWait: (_ giveUp: @escaping () -> Void) -> Void = { _ in }
    ) async -> Value? {
        guard ContinuousClock.now < deadline else { return nil }
        let promise = Promise<Value?>()
        let number = next
        next += 1
        promises[number] = promise
        let giveUp = { [weak self] in
            self?.promises[number] = nil
            _ = promise.keep(nil)
        }
        let timer = loop.schedule(at: deadline, giveUp)
        defer { loop.cancel(timer) }
        willWait(giveUp)
        return await promise.value()
    }

    /// Gives the value to the task that has waited longest.
    /// - Returns: false where no task waits.
    public func resumeFirst(_ value: Value) -> Bool {
        while first < next {
            defer { first += 1 }
            if let promise = promises.removeValue(forKey: first) { return promise.keep(value) }
        }
        return false
    }

    /// Gives the value to every task that waits now.
    public func resumeAll(_ value: Value) {
        while resumeFirst(value) {}
    }
}
