import CFastCGI
public import Resilience

/// Answers requests. Each worker has its own, made on the worker's thread, so it may hold connections and contexts.
public protocol RequestHandler: AnyObject, SendableMetatype {
    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse)
}

/// A FastCGI application (FastCGI 1.0, role FCGI_RESPONDER) on one socket with a fixed number of worker threads.
public final class FastCGIServer<Handler: RequestHandler>: Sendable {
    private let queue: ConnectionQueue
    private let threads: [WorkerThread]

    /// Starts answering.
    /// - Parameters:
    ///   - workers: at least 1.
    ///   - capacity: connections held at once, idle ones included; beyond it the longest idle is closed. Default 256.
    ///   - makeHandler: called once on each worker's thread, with the worker's number from 0.
    public init(socket: ListeningSocket, name: String, workers: Int, capacity: Int = 256, makeHandler: @escaping @Sendable (Int) -> Handler)
    {
        // Sets up libfcgi's own globals, once for the process and before any thread uses it.
        precondition(FCGX_Init() == 0, "libfcgi does not start")
        let queue = ConnectionQueue(socket, capacity: capacity)
        self.queue = queue
        threads = (0..<max(1, workers)).map { index in
            WorkerThread(name: "\(name)-\(index)") {
                FastCGIWorker(queue: queue, handler: makeHandler(index)).run()
            }
        }
    }

    /// Connections that are open now, idle ones included.
    public var openConnections: Int { queue.openCount }

    /// Accepts nothing more, lets every request that was accepted finish, then ends the workers.
    /// - Returns: false where `limit` came first; the workers are then left to the process's end.
    public func drain(by deadline: Deadline) -> Bool {
        guard queue.drain(by: deadline) else { return false }
        queue.stop()
        for thread in threads { thread.join() }
        return true
    }
}
