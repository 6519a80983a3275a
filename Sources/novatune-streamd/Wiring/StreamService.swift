import EventLoop
import FastCGI
import ProviderKeys
import Resilience
import StreamResponder

/// Everything that answers requests and watches what they need: construct, start, stop.
final class StreamService: Sendable {
    /// Health and metrics take microseconds and wait for nothing.
    private static let gateWorkers = 2
    private static let gateConnections = 128
    /// Descriptors for health and metrics where a lower limit is used up.
    private static let gateReserve = 8
    /// Longer than a request may take.
    private static let drainLimit: Duration = .seconds(15)
    /// For the last spans; within what the unit leaves for stopping.
    private static let spanLimit: Duration = .seconds(3)
    /// For the threads that no request needs any more; it runs together with `spanLimit`. Threads that still wait for a
    /// dependency then end with the process.
    private static let threadLimit: Duration = .seconds(1)
    /// A turn of a loop takes milliseconds; a loop whose turn takes longer than this has stopped.
    private static let turnLimit: Duration = .seconds(10)
    private static let gateProgressLimit: Duration = .seconds(20)

    /// The sockets that nginx connects to.
    struct Sockets {
        /// One descriptor of the stream socket for each loop.
        let stream: [ListeningSocket]
        let gate: ListeningSocket

        init(_ settings: ResponderSettings) throws {
            let socket = try ListeningSocket(settings.listen)
            stream = try [socket] + (1..<settings.loops).map { _ in try socket.duplicate() }
            gate = try ListeningSocket(settings.gateListen)
        }
    }

    private let resources: Resources
    private let monitor: DependencyMonitor
    private let invalidations: InvalidationSubscriber
    private let loops: [RequestLoop]
    private let gate: FastCGIServer<GateRoute>

    init(_ resources: Resources, _ sockets: Sockets) {
        let telemetry = resources.telemetry
        let monitor = DependencyMonitor(resources)
        monitor.expose(in: telemetry)
        let reserve = DescriptorReserve(size: Self.gateReserve)
        let loops = zip(0..., sockets.stream).map { RequestLoop($0, resources, socket: $1, reserve: reserve) }
        telemetry.watch(loops)
        // It answers /metrics, where every name must exist from the beginning, its own included.
        let started = Locked<FastCGIServer<GateRoute>?>(nil)
        telemetry.watchGate(started, workers: Self.gateWorkers)
        let gate = FastCGIServer(
            socket: sockets.gate, name: "gate", workers: Self.gateWorkers, capacity: Self.gateConnections,
            reserve: (reserve, true)
        ) { _ in
            GateRoute(telemetry.registry, Readiness(monitor: monitor, telemetry: telemetry))
        }
        started.withLock { $0 = gate }
        self.resources = resources
        self.monitor = monitor
        self.loops = loops
        self.gate = gate
        invalidations = InvalidationSubscriber(resources)
    }

    func start() {
        monitor.start()
        invalidations.start()
        for loop in loops { loop.start() }
        resources.keySets.start(
            KeyRefreshObserver { [resources] refresh in
                if refresh.outcome == .changed { resources.secrets.keySetsChanged() }
                resources.telemetry.keysRefreshed(refresh)
            } ended: { [loops] in
                for loop in loops { loop.keyFetchEnded() }
            } notStored: { [resources] location, reason in
                resources.telemetry.keysNotStored(location, reason)
            })
    }

    /// Whether no loop and no worker has stopped.
    var makesProgress: Bool {
        loops.allSatisfy { $0.makesProgress(within: Self.turnLimit) }
            && gate.makesProgress(within: Self.gateProgressLimit)
    }

    /// The time that the loops have worked since the start, added up.
    var busyTime: Duration { loops.reduce(.zero) { $0 + $1.loop.busyTime } }

    /// Accepts nothing more, finishes what was accepted, and ends all threads.
    /// - Returns: whether all accepted requests were answered in time.
    func stop() -> Bool {
        let isDrained = drain()
        let (deadline, spanDeadline) = (Deadline(after: Self.threadLimit), Deadline(after: Self.spanLimit))
        monitor.stop()
        invalidations.stop()
        gate.join(by: deadline)
        for loop in loops { loop.stop(by: deadline) }
        monitor.join(by: deadline)
        invalidations.join(by: deadline)
        resources.stop(by: deadline, spansBy: spanDeadline)
        return isDrained
    }

    /// The health socket is closed last.
    private func drain() -> Bool {
        let deadline = Deadline(after: Self.drainLimit)
        let drains = loops.map { $0.drain(within: Self.drainLimit) }
        let areDrained = drains.map { $0.wait(until: deadline) }.allSatisfy { $0 }
        return gate.drain(by: deadline) && areDrained
    }
}
