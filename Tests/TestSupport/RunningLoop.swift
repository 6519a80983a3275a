public import EventLoop
import Glibc
import Resilience

/// A loop on a thread of its own, stopped and joined at the end.
public final class RunningLoop: Sendable {
    public let loop: EventLoop
    private let thread: WorkerThread

    public init(slowTurnLimit: Duration = .milliseconds(50), slowTurn: (@Sendable (Duration) -> Void)? = nil) {
        let loop = EventLoop(slowTurnLimit: slowTurnLimit, slowTurn: slowTurn)
        self.loop = loop
        thread = WorkerThread(name: "test-loop") { loop.run() }
    }

    deinit {
        loop.stop()
        thread.join()
    }

    /// What `body` returns, on the loop.
    public func run<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async -> Result) async -> Result {
        let loop = loop
        return await Task(executorPreference: loop) { await body(loop) }.value
    }
}

/// Whether `condition` holds before a generous limit.
public func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<10_000 {
        if condition() { return true }
        _ = poll(nil, 0, 1)
    }
    return false
}
