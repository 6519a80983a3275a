import Resilience

/// The server that the next connection is made to. A reload may give it another user, password or certificates, which
/// the connections that are open do not need.
public final class CurrentServer: Sendable {
    private let server: Locked<RESPServer>
    /// Where it is one node of a cluster, which has user, password and certificates.
    private let node: (cluster: CurrentServer, address: NodeAddress)?

    public init(_ server: RESPServer) {
        self.server = Locked(server)
        node = nil
    }

    private init(_ address: NodeAddress, of cluster: CurrentServer) {
        server = Locked(cluster.value.relocated(to: address))
        node = (cluster, address)
    }

    var value: RESPServer {
        if let node { return node.cluster.value.relocated(to: node.address) }
        return server.withLock { $0 }
    }

    func node(at address: NodeAddress) -> CurrentServer { CurrentServer(address, of: self) }

    /// - Returns: false where `server` is another one, or another database of it: that is not taken, because open
    ///   connections would go on to use the former one.
    public func renewCredentials(from server: RESPServer) -> Bool {
        self.server.withLock { current in
            guard current.isSamePlace(as: server) else { return false }
            current = server
            return true
        }
    }
}
