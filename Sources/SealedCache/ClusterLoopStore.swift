public import EventLoop
public import StreamIssuing

/// Values on the masters of a cluster, for one event loop: the slot of a key leads to the master that serves it.
///
/// A call follows a redirection to a node that is connected; the map of the slots is read again after each redirection
/// and each failure of a node, on a thread of its own. Until then the keys of a lost master are misses.
///
/// For the loop's thread only; unchecked, because the connector's thread hands the map over through the loop.
public final class ClusterLoopStore: LoopValueStore, @unchecked Sendable {
    /// Between two readings of the map.
    private static let pause: Duration = .milliseconds(250)
    /// Redirections that a call follows.
    private static let hops = 2

    private let server: CurrentServer
    private let loop: EventLoop
    private let connector: RESPConnector
    private let timeout: Duration
    private let commands: StoreCommands
    private var slots = ClusterSlots()
    private var nodes: [NodeAddress: RESPLoopStore] = [:]
    /// Why there is no map.
    private var absence = ValueStoreError.connecting
    private var isReading = false
    private var mustReadAgain = false
    private var isClosed = false

    /// - Parameters:
    ///   - server: its location is a cluster.
    ///   - timeout: for each of connecting, reading and writing.
    ///   - longestTimeToLive: the longest that any value of a group is given.
    public init(
        _ server: CurrentServer, on loop: EventLoop, connector: RESPConnector, timeout: Duration,
        longestTimeToLive: Duration, clock: any WallClock
    ) {
        self.server = server
        self.loop = loop
        self.connector = connector
        self.timeout = timeout
        commands = StoreCommands(longestTimeToLive: longestTimeToLive, clock: clock)
    }

    public func start() { readMap() }

    public func close() {
        isClosed = true
        absence = .closed
        slots = ClusterSlots()
        for node in nodes.values { node.close() }
        nodes = [:]
    }

    public func read(
        _ key: String, by deadline: ContinuousClock.Instant,
        whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
    ) {
        let key = ClusterKey.tagged(key)
        send(HashSlot.of(key), whenDone) { node, asks, whenDone in
            node.read(key, asks: asks, by: deadline, whenDone: whenDone)
        }
    }

    public func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
    ) {
        let (key, group) = (ClusterKey.tagged(key), ClusterKey.tagged(group))
        send(HashSlot.of(key), whenDone) { node, asks, whenDone in
            node.write(value, forKey: key, in: group, timeToLive: timeToLive, asks: asks, whenDone: whenDone)
        }
    }

    // MARK: The way of a call

    private typealias Answer<Value> = (Result<Value, ValueStoreError>) -> Void
    /// Calls a node; `asks` says that the node does not serve the slot yet.
    private typealias Call<Value> = (_ node: RESPLoopStore, _ asks: Bool, _ whenDone: @escaping Answer<Value>) -> Void

    private func send<Value>(_ slot: Int, _ whenDone: @escaping Answer<Value>, _ call: @escaping Call<Value>) {
        guard let node = slots.master(of: slot) else {
            if !isClosed { readMap() }
            return whenDone(.failure(absence))
        }
        send(to: node, asks: false, hops: Self.hops, whenDone, call)
    }

    private func send<Value>(
        to address: NodeAddress, asks: Bool, hops: Int, _ whenDone: @escaping Answer<Value>,
        _ call: @escaping Call<Value>
    ) {
        call(node(at: address), asks) { [weak self] result in
            guard let self, case .failure(let error) = result else { return whenDone(result) }
            guard let redirection = error.redirection, hops > 0, !self.isClosed else {
                if error.isOfServer { self.readMap() }
                return whenDone(result)
            }
            let next = redirection.node(answeredBy: address)
            if redirection.kind == .moved {
                self.slots.assign(redirection.slot, to: next)
                self.readMap()
            }
            self.send(to: next, asks: redirection.kind == .ask, hops: hops - 1, whenDone, call)
        }
    }

    private func node(at address: NodeAddress) -> RESPLoopStore {
        if let node = nodes[address] { return node }
        let node = RESPLoopStore(
            server.node(at: address), on: loop, connector: connector, timeout: timeout, commands: commands)
        nodes[address] = node
        node.start()
        return node
    }

    // MARK: The map of the slots

    /// Connected nodes are asked first: a lost one would cost its timeout.
    private func readMap() {
        guard !isClosed else { return }
        guard !isReading else {
            mustReadAgain = true
            return
        }
        isReading = true
        mustReadAgain = false
        let connected = nodes.filter { $0.value.isConnected }.keys
        connector.readSlots(of: server.value, from: Array(connected), timeout: timeout) { [weak self, loop] result in
            loop.execute { [weak self] in self?.take(result) }
        }
    }

    private func take(_ result: Result<ClusterSlots, ValueStoreError>) {
        guard !isClosed else { return }
        switch result {
        case .success(let read):
            slots = read
            absence = .slotNotServed
            mustReadAgain = mustReadAgain || !read.isComplete
            for (address, node) in nodes where !read.masters.contains(address) {
                nodes[address] = nil
                node.close()
            }
            for address in read.masters { _ = node(at: address) }
        case .failure(let error):
            if nodes.isEmpty { absence = .notConnected(because: error) }
            mustReadAgain = true
        }
        _ = loop.schedule(at: loop.now.advanced(by: Self.pause)) { [weak self] in self?.pauseEnded() }
    }

    private func pauseEnded() {
        isReading = false
        if mustReadAgain { readMap() }
    }
}
