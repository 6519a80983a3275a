public import EventLoop
public import StreamIssuing

/// Values on a RESP server, for one event loop, in the layout of `RESPStore`.
///
/// Reads and writes have separate connections: a server that delays a client's write (CLIENT PAUSE, a full disk) delays
/// everything that the same client sends after it.
public final class RESPLoopStore: LoopValueStore, TurnEndHandler {
    private struct Write {
        let bytes: [UInt8]
        let names: [String]
        let whenDone: (Result<Void, ValueStoreError>) -> Void
    }

    private let loop: EventLoop
    private let timeout: Duration
    private let commands: StoreCommands
    private let reads: RESPLoopClient
    private let writes: RESPLoopClient
    private var queue: WriteQueue<Write>
    private var isAtTurnEnd = false
    /// Whether the server that answers reads was seen to refuse writes: it may be a former master.
    private var readsFromReplica = false
    private var isClosed = false

    /// - Parameters:
    ///   - timeout: for each of connecting, reading and writing. Nothing is tried twice.
    ///   - longestTimeToLive: the longest that any value of a group is given.
    public convenience init(
        _ server: CurrentServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration,
        longestTimeToLive: Duration,
        clock: any WallClock
    ) {
        let commands = StoreCommands(longestTimeToLive: longestTimeToLive, clock: clock)
        self.init(server, on: loop, connector: connector, timeout: timeout, commands: commands)
    }

    init(
        _ server: CurrentServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration,
        commands: StoreCommands,
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
        _ key: String, by deadline: ContinuousClock.Instant,
        whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
    ) {
        read(key, asks: false, by: deadline, whenDone: whenDone)
    }

    /// - Parameter asks: for a node of a cluster that does not serve the key's slot yet.
    func read(
        _ key: String, asks: Bool, by deadline: ContinuousClock.Instant,
        whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
    ) {
        let command = StoreCommands.read(key)
        let (bytes, names) =
            asks ? StoreCommands.asking([command]) : (command.bytes, StoreCommands.readNames)
        reads.send(bytes, replies: names.count, names: names, by: deadline) { result in
            whenDone(
                result.flatMap { reply in Result { () throws(ValueStoreError) in try StoreCommands.value(reply) } })
        }
    }

    public func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
    ) {
        write(value, forKey: key, in: group, timeToLive: timeToLive, asks: false, whenDone: whenDone)
    }

    /// - Parameter asks: as for reading.
    func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration, asks: Bool,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
    ) {
        guard !isClosed else { return whenDone(.failure(.closed)) }
        let commands = commands.write(value, forKey: key, in: group, timeToLive: timeToLive)
        let (bytes, names) =
            asks ? StoreCommands.asking(commands) : (commands.flatMap(\.bytes), StoreCommands.writeNames)
        let write = Write(bytes: bytes, names: names, whenDone: whenDone)
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
            writes.send(write.bytes, replies: write.names.count, names: write.names, by: deadline) {
                [weak self] result in
                self?.queue.finished()
                self?.noteWriter(result)
                write.whenDone(result.flatMap { $0 == .status("OK") ? .success(()) : .failure(.unexpectedReply) })
                self?.sendAtTurnEnd()
            }
        }
    }

    /// After a failover, reads follow the writes to the new master as soon as it has taken one: until then a replica's
    /// answers are better than none.
    private func noteWriter(_ result: Result<RESPReply, ValueStoreError>) {
        switch result {
        case .failure(let error): if error.serverError == "READONLY" { readsFromReplica = true }
        case .success:
            guard readsFromReplica else { return }
            readsFromReplica = false
            reads.reconnect()
        }
    }

    private func sendAtTurnEnd() {
        guard !isAtTurnEnd, queue.count > 0 else { return }
        isAtTurnEnd = true
        loop.atTurnEnd(self)
    }
}
