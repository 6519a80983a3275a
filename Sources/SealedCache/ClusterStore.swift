public import StreamIssuing

/// Values on the masters of a cluster, for a thread that may block.
///
/// Not thread-safe.
public final class ClusterStore: ValueStore {
    private let server: CurrentServer
    private let timeout: Duration
    private let commands: StoreCommands
    private var slots = ClusterSlots()
    private var nodes: [NodeAddress: RESPStore] = [:]

    /// - Parameters:
    ///   - server: its location is a cluster.
    ///   - timeout: for each of connecting, reading and writing.
    ///   - longestTimeToLive: the longest that any value of a group is given.
    public init(_ server: CurrentServer, timeout: Duration, longestTimeToLive: Duration, clock: any WallClock) {
        self.server = server
        self.timeout = timeout
        commands = StoreCommands(longestTimeToLive: longestTimeToLive, clock: clock)
    }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
        let key = ClusterKey.tagged(key)
        return try withMaster(of: key) { (node) throws(ValueStoreError) in try node.value(forKey: key) }
    }

    public func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration)
        throws(ValueStoreError)
    {
        let (key, group) = (ClusterKey.tagged(key), ClusterKey.tagged(group))
        try withMaster(of: key) { (node) throws(ValueStoreError) in
            try node.setValue(value, forKey: key, in: group, timeToLive: timeToLive)
        }
    }

    @discardableResult public func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool {
        let (key, group) = (ClusterKey.tagged(key), ClusterKey.tagged(group))
        return try withMaster(of: key) { (node) throws(ValueStoreError) in try node.removeValue(forKey: key, in: group)
        }
    }

    @discardableResult public func removeValues(in group: String) throws(ValueStoreError) -> Int {
        let group = ClusterKey.tagged(group)
        return try withMaster(of: group) { (node) throws(ValueStoreError) in try node.removeValues(in: group) }
    }

    @discardableResult public func removeValues(under prefix: String) throws(ValueStoreError) -> Int {
        try readMap()
        var removed = 0
        for master in slots.masters { removed += try node(at: master).removeValues(under: prefix) }
        return removed
    }

    @discardableResult public func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 {
        try withMaster(of: key) { (node) throws(ValueStoreError) in try node.add(amount, toCounter: key) }
    }

    /// Probes each master.
    public func probe(under prefix: String) throws(ValueStoreError) {
        try readMap()
        guard slots.isComplete else { throw .slotNotServed }
        for master in slots.masters {
            // Some number leads to each master: a cluster has at most a thousand.
            let number = (0..<1_000_000).first { number in
                slots.master(of: HashSlot.of(StoreCommands.clusterProbeGroup(under: prefix, number))) == master
            }
            guard let number else { continue }
            try node(at: master).probe(in: StoreCommands.clusterProbeGroup(under: prefix, number))
        }
    }

    /// A map that turns out to be old is read again, once.
    private func withMaster<Result>(
        of key: String, _ body: (RESPStore) throws(ValueStoreError) -> Result
    ) throws(ValueStoreError) -> Result {
        let slot = HashSlot.of(key)
        if slots.master(of: slot) == nil { try readMap() }
        guard let former = slots.master(of: slot) else { throw .slotNotServed }
        do throws(ValueStoreError) {
            return try body(node(at: former))
        } catch {
            guard error.redirection != nil || error.isOfConnection else { throw error }
            try readMap()
            guard let master = slots.master(of: slot), error.redirection != nil || master != former else { throw error }
            return try body(node(at: master))
        }
    }

    private func node(at address: NodeAddress) -> RESPStore {
        if let node = nodes[address] { return node }
        let node = RESPStore(server.node(at: address), timeout: timeout, commands: commands, isInCluster: true)
        nodes[address] = node
        return node
    }

    private func readMap() throws(ValueStoreError) {
        let server = server.value
        slots = try ClusterSlots.fetch(server, from: slots.masters + server.seeds, timeout: timeout)
        nodes = nodes.filter { slots.masters.contains($0.key) }
    }
}
