/// Which master of a cluster serves which slots: a value.
struct ClusterSlots: Equatable {
    private(set) var masters: [NodeAddress] = []
    /// For each slot one more than the index of its master; 0 for none.
    private var owners = [UInt16](repeating: 0, count: HashSlot.count)

    init() {}

    /// - Parameters:
    ///   - reply: to `CLUSTER SLOTS`: ranges of slots, each with its nodes, the master first.
    ///   - node: that answered. A host that the reply leaves out is this node's.
    init(_ reply: RESPReply, answeredBy node: NodeAddress) throws(ValueStoreError) {
        guard case .array(let ranges) = reply else { throw .unexpectedReply }
        for range in ranges {
            guard case .array(let parts) = range, parts.count >= 3, case .integer(let first) = parts[0],
                case .integer(let last) = parts[1], case .array(let master) = parts[2], master.count >= 2,
                case .integer(let number) = master[1], let port = UInt16(exactly: number), port > 0,
                first >= 0, first <= last, last < HashSlot.count
            else { throw .unexpectedReply }
            let host = if case .bulk(let bytes) = master[0] { String(decoding: bytes, as: UTF8.self) } else { "" }
            let address = NodeAddress(host: Self.known(host).isEmpty ? node.host : host, port: port)
            for slot in Int(first)...Int(last) { assign(slot, to: address) }
        }
    }

    /// A node that does not know its own name says `?`.
    static func known(_ host: String) -> String { host == "?" ? "" : host }

    /// Whether every slot has a master.
    var isComplete: Bool { !owners.contains(0) }

    func master(of slot: Int) -> NodeAddress? {
        let owner = Int(owners[slot])
        return owner == 0 ? nil : masters[owner - 1]
    }

    mutating func assign(_ slot: Int, to node: NodeAddress) {
        let index = masters.firstIndex(of: node) ?? masters.count
        if index == masters.count { masters.append(node) }
        owners[slot] = UInt16(index + 1)
    }

    /// Asks the nodes, one after another, until one answers. May block.
    /// - Parameters:
    ///   - server: user, password and certificates of all nodes.
    ///   - timeout: for each step with each node.
    static func fetch(
        _ server: RESPServer, from nodes: [NodeAddress], timeout: Duration
    ) throws(ValueStoreError) -> ClusterSlots {
        var failure = ValueStoreError(code: "connect", reason: "no node is named")
        for node in nodes {
            do throws(ValueStoreError) {
                let connection = try RESPConnection(server.relocated(to: node), timeout: timeout)
                let slots = try ClusterSlots(connection.command(RESPCommand("CLUSTER", ["SLOTS"])), answeredBy: node)
                if !slots.masters.isEmpty { return slots }
                failure = ValueStoreError(code: "refused", reason: "its cluster serves no slots yet")
            } catch {
                failure = error
            }
        }
        throw ValueStoreError(code: failure.code, reason: "no node names the cluster's slots: \(failure.reason)")
    }
}
