import CEpoll
import Glibc
import Resilience
import Synchronization

/// One thread that waits for descriptors and timers and runs the tasks that wait for them (epoll(7)).
///
/// A turn runs the handlers of all ready descriptors, then all timers that are due, then all tasks that can continue,
/// then the turn-end handlers. Connections write at the turn's end, so one write carries the output of many tasks.
/// Nothing in a turn may block.
///
/// Call methods on the loop's own thread, unless stated otherwise.
public final class EventLoop: TaskExecutor, @unchecked Sendable {
    public struct TimerID: Sendable, Equatable {
        let id: UInt64
    }

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable () -> Void] = []
        var isStopping = false
        var isWakePending = false
    }

    /// The most events that one call takes from the kernel.
    private static let batch = 256

    private let epoll: Int32
    private let wakeEvent: Int32
    private let inbox = Locked(Inbox())
    /// `pthread_self` of the thread that runs the loop; 0 before.
    private let thread = Atomic<UInt>(0)
    /// When the current turn began, in nanoseconds of the monotonic clock; 0 while the loop waits.
    private let turnStart = Atomic<Int>(0)
    private let turnCount = Atomic<Int>(0)
    private let busyNanoseconds = Atomic<Int>(0)
    private let slowTurns: (limit: Int, observer: @Sendable (Duration) -> Void)?

    private var sources: [Int32: IOSource] = [:]
    private var lastGeneration: UInt32 = 0
    private var timers = TimerQueue<() -> Void>()
    private var ready: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private var turnEnds: [any TurnEndHandler] = []
    private var isStopping = false

    /// The moment at which the current turn began.
    public private(set) var now = ContinuousClock.now

    /// - Parameters:
    ///   - slowTurnLimit: a turn that takes longer is reported. Default 50 ms.
    ///   - slowTurn: called with how long it took, on the loop's thread, after the turn.
    public init(slowTurnLimit: Duration = .milliseconds(50), slowTurn: (@Sendable (Duration) -> Void)? = nil) {
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeEvent = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        precondition(epoll >= 0 && wakeEvent >= 0, "no file descriptors left at start")
        slowTurns = slowTurn.map { (Int(slowTurnLimit / .nanoseconds(1)), $0) }
        ready.reserveCapacity(1024)
        running.reserveCapacity(1024)
        control(EPOLL_CTL_ADD, wakeEvent, EPOLLIN.rawValue, UInt64(UInt32(bitPattern: wakeEvent)))
    }

    deinit {
        close(epoll)
        close(wakeEvent)
    }

    // MARK: From any thread

    /// Whether the caller is on the loop's thread.
    public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// How long the current turn has taken so far; zero while the loop waits.
    public var turnDuration: Duration {
        let start = turnStart.load(ordering: .relaxed)
        return start == 0 ? .zero : .nanoseconds(max(0, Self.monotonicNanoseconds - start))
    }

    /// Time in turns since the start; the rest of the time the loop has waited.
    public var busyTime: Duration { .nanoseconds(busyNanoseconds.load(ordering: .relaxed)) }

    /// Turns since the start.
    public var turns: Int { turnCount.load(ordering: .relaxed) }

    /// Runs `action` in the next turn.
    public func execute(_ action: @escaping @Sendable () -> Void) {
        wake { $0.actions.append(action) }
    }

    /// Starts a task that runs on the loop's thread only.
    public func task(_ body: @escaping @Sendable () async -> Void) {
        _ = Task(executorPreference: self) { await body() }
    }

    /// Ends `run` after the current turn, or after the next one.
    public func stop() {
        wake { $0.isStopping = true }
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent { ready.append(job) } else { wake { $0.jobs.append(job) } }
    }

    private func wake(_ change: (inout Inbox) -> Void) {
        let isFirst = inbox.withLock { inbox in
            change(&inbox)
            defer { inbox.isWakePending = true }
            return !inbox.isWakePending
        }
        if isFirst { eventfd_write(wakeEvent, 1) }
    }

    // MARK: Descriptors

    /// Calls `handler` whenever `descriptor` is ready for `interest`. The source keeps the handler until `unwatch`.
    public func watch(_ descriptor: Int32, _ interest: IOInterest, handler: @escaping (IOInterest) -> Void) -> IOSource
    {
        lastGeneration &+= 1
        let source = IOSource(descriptor, generation: lastGeneration, handler: handler)
        sources[descriptor] = source
        control(EPOLL_CTL_ADD, descriptor, interest.rawValue, source.token)
        return source
    }

    public func change(_ source: IOSource, to interest: IOInterest) {
        guard source.handler != nil else { return }
        control(EPOLL_CTL_MOD, source.descriptor, interest.rawValue, source.token)
    }

    /// Call it before the descriptor is closed.
    public func unwatch(_ source: IOSource) {
        guard source.handler != nil else { return }
        source.handler = nil
        control(EPOLL_CTL_DEL, source.descriptor, 0, source.token)
        if sources[source.descriptor] === source { sources[source.descriptor] = nil }
    }

    private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ token: UInt64) {
        var event = unsafe epoll_event(events: events, data: epoll_data_t(u64: token))
        unsafe _ = epoll_ctl(epoll, operation, descriptor, &event)
    }

    // MARK: Timers

    public func schedule(at due: ContinuousClock.Instant, _ action: @escaping () -> Void) -> TimerID {
        TimerID(id: timers.add(action, due: due))
    }

    /// Has no effect where the timer's action has run.
    public func cancel(_ timer: TimerID) {
        timers.cancel(timer.id)
    }

    // MARK: The end of a turn

    /// Calls `handler` once, when everything that is ready in this turn has run.
    public func atTurnEnd(_ handler: any TurnEndHandler) {
        turnEnds.append(handler)
    }

    // MARK: Running

    /// Runs turns until `stop`, on the calling thread, which is the loop's from then on.
    public func run() {
        thread.store(UInt(pthread_self()), ordering: .relaxed)
        let events = UnsafeMutableBufferPointer<epoll_event>.allocate(capacity: Self.batch)
        defer { unsafe events.deallocate() }
        while !isStopping {
            let count = unsafe epoll_wait(epoll, events.baseAddress!, Int32(Self.batch), waitMilliseconds)
            let start = Self.monotonicNanoseconds
            turnStart.store(start, ordering: .relaxed)
            now = .now
            for index in 0..<max(0, Int(count)) {
                unsafe dispatch(events[index].data.u64, IOInterest(rawValue: events[index].events))
            }
            while let action = timers.popDue(at: now) { action() }
            runTasks()
            endTurn()
            let taken = Self.monotonicNanoseconds - start
            turnCount.add(1, ordering: .relaxed)
            busyNanoseconds.add(taken, ordering: .relaxed)
            turnStart.store(0, ordering: .relaxed)
            if let slowTurns, taken > slowTurns.limit { slowTurns.observer(.nanoseconds(taken)) }
        }
    }

    private var waitMilliseconds: Int32 {
        if !ready.isEmpty { return 0 }
        guard let next = timers.next else { return -1 }
        return max(.zero, ContinuousClock.now.duration(to: next)).roundedUpMilliseconds
    }

    private func dispatch(_ token: UInt64, _ happened: IOInterest) {
        let descriptor = Int32(bitPattern: UInt32(truncatingIfNeeded: token))
        if descriptor == wakeEvent { return takeInbox() }
        guard let source = sources[descriptor], source.generation == UInt32(token >> 32) else { return }
        source.handler?(happened)
    }

    private func takeInbox() {
        var count: eventfd_t = 0
        unsafe eventfd_read(wakeEvent, &count)
        let (jobs, actions, isStopping) = inbox.withLock { inbox in
            defer { (inbox.jobs, inbox.actions, inbox.isWakePending) = ([], [], false) }
            return (inbox.jobs, inbox.actions, inbox.isStopping)
        }
        ready.append(contentsOf: jobs)
        for action in actions { action() }
        if isStopping { self.isStopping = true }
    }

    private func runTasks() {
        while !ready.isEmpty {
            swap(&ready, &running)
            let executor = unsafe asUnownedTaskExecutor()
            for job in running { unsafe job.runSynchronously(on: executor) }
            running.removeAll(keepingCapacity: true)
        }
    }

    /// Turn-end handlers may let tasks continue, and these may add further turn-end handlers.
    private func endTurn() {
        while !turnEnds.isEmpty {
            var handlers: [any TurnEndHandler] = []
            swap(&handlers, &turnEnds)
            for handler in handlers { handler.turnEnds() }
            runTasks()
        }
    }

    private static var monotonicNanoseconds: Int {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }
}

/// A handler for the end of a turn, such as a connection with bytes to write.
public protocol TurnEndHandler: AnyObject {
    func turnEnds()
}
