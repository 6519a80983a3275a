import EventLoop
import FastCGI
import Resilience
import S3ObjectStore
import StreamResponder

/// One event loop on a thread of its own, with the server that answers requests on it.
final class RequestLoop: Sendable {
    let loop: EventLoop
    let server: FastCGILoopServer
    private let services: LoopServices
    private let thread = Locked<WorkerThread?>(nil)

    /// - Parameter number: from 0, for the thread's name.
    init(_ number: Int, _ resources: Resources, socket: ListeningSocket, reserve: DescriptorReserve) {
        let telemetry = resources.telemetry
        loop = EventLoop { duration in telemetry.slowTurn(duration, loop: number) }
        services = resources.makeServices(loop)
        let route = StreamRoute(
            services, limits: resources.limits, allowances: resources.allowances, clock: resources.clock,
            makeObserver: { [services] in resources.makeObserver(services) })
        server = FastCGILoopServer(loop, socket: socket, reserve: reserve, handler: route)
        name = "loop-\(number)"
    }

    private let name: String

    func start() {
        let thread = WorkerThread(name: name) { [loop] in loop.run() }
        self.thread.withLock { $0 = thread }
        let services = services
        loop.execute { services.start() }
        server.start()
    }

    /// A fetch of a provider's keys has ended. From any thread.
    func keyFetchEnded() { loop.execute { [services] in services.keyFetchEnded() } }

    var requestsWaitingForObjects: Int { services.objects.waitingCount }

    /// Whether the current turn, if there is one, has taken less than `limit`.
    func makesProgress(within limit: Duration) -> Bool { loop.turnDuration < limit }

    /// Accepts no more connections, answers the accepted requests, and ends the thread where that was possible in time.
    /// - Returns: a result to wait for.
    func drain(within limit: Duration) -> Drained {
        let drained = Drained()
        server.drain(within: limit) { [services, loop] isDrained in
            services.close()
            loop.stop()
            drained.report(isDrained)
        }
        return drained
    }

    /// Ends its threads, after `drain`. A thread that is still blocked at `deadline` is abandoned.
    /// - Returns: whether they have ended.
    @discardableResult
    func stop(by deadline: Deadline) -> Bool {
        // What the loop owns is touched only when its thread has ended.
        guard thread.withLock({ $0 })?.join(by: deadline) ?? true else { return false }
        return services.stop(by: deadline)
    }

    /// How a drain went.
    final class Drained: Sendable {
        private let outcome = ConditionLocked<Bool?>(nil)

        func report(_ isDrained: Bool) {
            outcome.withLock { $0 = isDrained }
            outcome.wakeAll()
        }

        /// Waits for it; false where `deadline` came first.
        func wait(until deadline: Deadline) -> Bool {
            outcome.wait { outcome in
                if let outcome { return .done(outcome) }
                return deadline.isPast ? .done(false) : .wait(until: deadline.instant)
            }
        }
    }
}
