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

    deinit { stop() }

    /// Ends the thread; nothing runs on the loop after it.
    public func stop() {
        loop.stop()
        thread.join()
    }

    /// What `body` returns, on the loop.
    public func run<Result: Sendable>(_ body: @escaping @Sendable (EventLoop) async -> Result) async -> Result {
        let loop = loop
        return await Task(executorPreference: loop) { await body(loop) }.value
    }
}

extension EventLoop {
    /// Lets other turns pass until the condition holds, or a generous limit does; for a task on the loop.
    public nonisolated(nonsending) func turnsPass(until condition: () async -> Bool) async -> Bool {
        for _ in 0..<10_000 {
            if await condition() { return true }
            let pause = Promise<Void>()
            _ = schedule(at: .now.advanced(by: .milliseconds(1))) { pause.keep(()) }
            await pause.value()
        }
        return false
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
