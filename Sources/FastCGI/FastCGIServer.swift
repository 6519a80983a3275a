import CFastCGI
public import Resilience

/// Answers requests. Each worker has a handler of its own, made on the worker's thread, so a handler may hold
/// connections and contexts.
public protocol RequestHandler: AnyObject, SendableMetatype {
    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse)
}

/// A FastCGI application (FastCGI 1.0, role FCGI_RESPONDER) on one socket with a fixed number of worker threads.
public final class FastCGIServer<Handler: RequestHandler>: Sendable {
    private let queue: ConnectionQueue
    private let threads: [WorkerThread]
    private let activities: [WorkerActivity]
    private let watch: WorkerThread

    /// How often to look for slow peers.
    private static var watchInterval: Int32 { 250 }

    /// Starts answering.
    /// - Parameters:
    ///   - workers: at least 1.
    ///   - capacity: connections held at the same time, idle ones included; beyond it the longest idle is closed.
    ///     Default 256.
    ///   - reserve: descriptors that are reserved for this socket, or for another of the process.
    ///   - peerLimit: a peer that takes longer to send a request, or to take an answer, is disconnected. With the time
    ///     until that is noticed, it holds its worker for less than 5 s by default.
    ///   - makeHandler: called once on each worker's thread, with the worker's number from 0.
    public init(
        socket: ListeningSocket, name: String, workers: Int, capacity: Int = 256,
        reserve: (descriptors: DescriptorReserve, isOwn: Bool)? = nil, peerLimit: Duration = .milliseconds(4500),
        makeHandler: @escaping @Sendable (Int) -> Handler
    ) {
        // Sets up libfcgi's own globals, once for the process and before any thread uses it.
        precondition(FCGX_Init() == 0, "libfcgi does not start")
        let queue = ConnectionQueue(socket, capacity: capacity, reserve: reserve)
        self.queue = queue
        let activities = (0..<max(1, workers)).map { _ in WorkerActivity() }
        self.activities = activities
        threads = activities.enumerated().map { index, activity in
            WorkerThread(name: "\(name)-\(index)") {
                FastCGIWorker(queue: queue, handler: makeHandler(index), activity: activity).run()
            }
        }
        watch = WorkerThread(name: "\(name)-watch") {
            while !queue.isStopped(within: Self.watchInterval) {
                let now = ContinuousClock.now
                for activity in activities { activity.disconnectStalledPeer(at: now, limit: peerLimit) }
            }
        }
    }

    public var workers: Int { activities.count }

    /// Workers that have a request now.
    public var busyWorkers: Int {
        let now = ContinuousClock.now
        return activities.count { $0.busy(at: now) != nil }
    }

    /// Whether at least one worker is free, or has had its request for less than `limit`.
    public func makesProgress(within limit: Duration) -> Bool {
        let now = ContinuousClock.now
        return activities.contains { $0.busy(at: now).map { $0 < limit } ?? true }
    }

    /// Requests that were not handled, because their peer had closed the connection.
    public var abandonedRequests: Int { queue.hungUpCount }

    /// Connections that are open now, idle ones included.
    public var openConnections: Int { queue.openCount }

    /// Accepts no more connections, lets every accepted request finish, then ends the workers.
    /// - Returns: false where `deadline` came first; a worker then ends after its current request.
    public func drain(by deadline: Deadline) -> Bool {
        let isDrained = queue.drain(by: deadline)
        queue.stop()
        return join(by: deadline) && isDrained
    }

    /// Waits for the end of all threads, or for `deadline`, after `drain`.
    /// - Returns: whether they have ended.
    @discardableResult
    public func join(by deadline: Deadline) -> Bool {
        (threads + [watch]).map { $0.join(by: deadline) }.allSatisfy { $0 }
    }
}
