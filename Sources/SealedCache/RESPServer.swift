import TLSClient

/// A Redis, Valkey or Garnet server. Describes itself without its password.
public struct RESPServer: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public enum Location: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
        /// The master that they name at the time of a connection.
        case sentinels(Sentinels)
        /// The nodes that are asked first; they name the others.
        case cluster([NodeAddress])
    }

    public let location: Location
    /// Number for SELECT.
    public let database: Int
    public let usesTLS: Bool
    let user: String?
    let password: String?
    /// Authorities and client certificate; nil for the machine's authorities and no certificate.
    var tls: TLSContext?

    public init(
        location: Location, database: Int = 0, usesTLS: Bool = false, user: String? = nil, password: String? = nil
    ) {
        self.location = location
        self.database = database
        self.usesTLS = usesTLS
        self.user = user
        self.password = password
    }

    public var customMirror: Mirror { Mirror(self, children: []) }

    public var description: String {
        switch location {
        case .tcp(let host, let port): "\(scheme)://\(host):\(port)/\(database)"
        case .sentinels(let sentinels): "\(scheme)+sentinel://\(sentinels)/\(database)"
        case .cluster(let nodes): "\(scheme)+cluster://\(nodes.map(\.description).joined(separator: ","))"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// The nodes of the cluster that are known from the start.
    var seeds: [NodeAddress] { if case .cluster(let nodes) = location { nodes } else { [] } }

    /// One node, with the same user, password and certificates.
    func relocated(to node: NodeAddress) -> RESPServer {
        var server = RESPServer(
            location: .tcp(host: node.host, port: node.port), database: database, usesTLS: usesTLS, user: user,
            password: password)
        server.tls = tls
        return server
    }

    private var scheme: String { usesTLS ? "rediss" : "redis" }

    /// Whether only user, password or certificates differ.
    func isSamePlace(as other: RESPServer) -> Bool {
        location == other.location && database == other.database && usesTLS == other.usesTLS
    }

    /// Nil where the server does not speak TLS.
    func makeSession(for host: String) throws(ValueStoreError) -> TLSSession? {
        guard usesTLS else { return nil }
        do throws(TLSError) {
            let context = if let tls { tls } else { try TLSContext() }
            return try TLSSession(context, host: host)
        } catch {
            throw ValueStoreError(error)
        }
    }
}
