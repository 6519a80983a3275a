public import EventLoop

/// Opens connections to RESP servers on a thread that may block: name lookup, connect, AUTH and SELECT.
///
/// One attempt at a time. While one hangs, in the resolver for instance, the others wait. Requests do not wait: they
/// have no connection until then.
public final class RESPConnector: Sendable {
    typealias Open = @Sendable (_ server: RESPServer, _ timeout: Duration) throws(ValueStoreError) -> ConnectedSocket

    private let queue: BlockingQueue
    private let open: Open

    /// - Parameter queue: one is enough for a process. The caller stops it.
    public convenience init(on queue: BlockingQueue) {
        self.init(on: queue) { (server, timeout) throws(ValueStoreError) in
            try RESPConnection(server, timeout: timeout).handOver()
        }
    }

    init(on queue: BlockingQueue, open: @escaping Open) {
        self.queue = queue
        self.open = open
    }

    /// The map of a cluster's slots.
    /// - Parameters:
    ///   - nodes: that are asked before those that the server names.
    ///   - whenDone: as below.
    func readSlots(
        of server: RESPServer, from nodes: [NodeAddress], timeout: Duration,
        whenDone: @escaping @Sendable (Result<ClusterSlots, ValueStoreError>) -> Void
    ) {
        queue.run {
            do throws(ValueStoreError) {
                whenDone(.success(try ClusterSlots.fetch(server, from: nodes + server.seeds, timeout: timeout)))
            } catch {
                whenDone(.failure(error))
            }
        }
    }

    /// - Parameters:
    ///   - timeout: for each step.
    ///   - whenDone: called on the connector's thread; never where the queue was stopped before.
    func connect(
        to server: RESPServer, timeout: Duration,
        whenDone: @escaping @Sendable (Result<ConnectedSocket, ValueStoreError>) -> Void
    ) {
        queue.run { [open] in
            do throws(ValueStoreError) {
                whenDone(.success(try open(server, timeout)))
            } catch {
                whenDone(.failure(error))
            }
        }
    }
}
