public import EventLoop
public import StreamIssuing

/// Values on a RESP server, for one event loop, in the layout of `RESPStore`.
///
/// Reads and writes have separate connections: a server that delays a client's write (CLIENT PAUSE, a full disk) delays everything that
/// the same client sends after it.
public final class RESPLoopStore: LoopValueStore, TurnEndHandler {
    private struct Write {
        let bytes: [UInt8]
        let replies: Int
        let whenDone: (Result<Void, ValueStoreError>) -> Void
    }

    private let loop: EventLoop
    private let timeout: Duration
    private let commands: StoreCommands
    private let reads: RESPLoopClient
    private let writes: RESPLoopClient
    private var queue: WriteQueue<Write>
    private var isAtTurnEnd = false
    private var isClosed = false

    /// - Parameters:
    ///   - timeout: for each of connecting, reading and writing. Nothing is tried twice.
    ///   - longestTimeToLive: the longest that any value of a group is given.
    public convenience init(
        _ server: RESPServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration, longestTimeToLive: Duration,
        clock: any WallClock
    ) {
        let commands = StoreCommands(longestTimeToLive: longestTimeToLive, clock: clock)
        self.init(server, on: loop, connector: connector, timeout: timeout, commands: commands)
    }

    init(
        _ server: RESPServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration, commands: StoreCommands,
        limits: RESPLoopConnection.Limits = .init(), writeLimits: WriteLimits = .init()
    ) {
        self.loop = loop
        self.timeout = timeout
        self.commands = commands
        reads = RESPLoopClient(server, on: loop, connector: connector, timeout: timeout, limits: limits)
        writes = RESPLoopClient(server, on: loop, connector: connector, timeout: timeout, limits: limits)
        queue = WriteQueue(writeLimits)
    }

    /// Whether there is a connection for reads and one for writes.
    public var isConnected: Bool { reads.isConnected && writes.isConnected }

    public func start() {
        reads.start()
        writes.start()
    }

    public func read(
        _ key: String, by deadline: ContinuousClock.Instant, whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
    ) {
        reads.send(StoreCommands.read(key).bytes, replies: 1, by: deadline) { result in
            whenDone(result.flatMap { reply in Result { () throws(ValueStoreError) in try StoreCommands.value(reply) } })
        }
    }

    public func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
    ) {
        guard !isClosed else { return whenDone(.failure(.closed)) }
        let commands = commands.write(value, forKey: key, in: group, timeToLive: timeToLive)
        let write = Write(bytes: commands.flatMap(\.bytes), replies: commands.count, whenDone: whenDone)
        guard queue.append(write, bytes: write.bytes.count) else { return whenDone(.failure(.overloaded)) }
        sendAtTurnEnd()
    }

    public func close() {
        isClosed = true
        reads.close()
        writes.close()
        for write in queue.removeAll() { write.whenDone(.failure(.closed)) }
    }

    public func turnEnds() {
        isAtTurnEnd = false
        while let write = queue.next() {
            let deadline = loop.now.advanced(by: timeout)
            writes.send(write.bytes, replies: write.replies, by: deadline) { [weak self] result in
                self?.queue.finished()
                write.whenDone(result.flatMap { $0 == .status("OK") ? .success(()) : .failure(.unexpectedReply) })
                self?.sendAtTurnEnd()
            }
        }
    }

    private func sendAtTurnEnd() {
        guard !isAtTurnEnd, queue.count > 0 else { return }
        isAtTurnEnd = true
        loop.atTurnEnd(self)
    }
}
