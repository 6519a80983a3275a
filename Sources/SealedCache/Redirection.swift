/// A node of a cluster names another one (Redis Cluster specification, "MOVED Redirection", "ASK redirection").
struct Redirection: Sendable, Equatable {
    enum Kind: String, Sendable {
        /// The other node serves the slot from now on.
        case moved = "MOVED"
        /// The slot is on its way to the other node, and this key, if there is one, is there already.
        case ask = "ASK"
    }

    let kind: Kind
    let slot: Int
    /// Empty where it is the host that answered.
    private let host: String
    private let port: UInt16

    /// - Parameter error: `MOVED 3999 127.0.0.1:6381`; nil for any other error.
    init?(_ error: String) {
        let words = error.split(separator: " ")
        guard words.count >= 3, let kind = Kind(rawValue: String(words[0])), let slot = Int(words[1]),
            (0..<HashSlot.count).contains(slot), let colon = words[2].lastIndex(of: ":"),
            let port = UInt16(words[2][words[2].index(after: colon)...]), port > 0
        else { return nil }
        self.kind = kind
        self.slot = slot
        self.port = port
        host = ClusterSlots.known(String(words[2][..<colon]))
    }

    func node(answeredBy node: NodeAddress) -> NodeAddress {
        NodeAddress(host: host.isEmpty ? node.host : host, port: port)
    }
}
