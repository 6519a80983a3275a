/// The server of a dependency's call, as the span of the call names it (OpenTelemetry semantic conventions,
/// `server.address`).
public struct SpanServer: Sendable, Equatable {
    /// Name or address without brackets, or the path of a unix socket.
    let address: String
    /// Nil for a unix socket.
    let port: UInt16?

    public init(address: String, port: UInt16?) {
        self.address = address
        self.port = port
    }

    /// - Parameter path: of a unix socket.
    public init(path: String) { self.init(address: path, port: nil) }
}

/// Where the dependencies of a request are.
public struct SpanServers {
    /// The one that has answered last; nil before the first.
    let database: () -> SpanServer?
    /// Nil for one in the process, and for one that sentinels name.
    let cache: SpanServer?
    let objectStore: SpanServer
    /// The URL of the store's objects, with `REDACTED` in the place of the key and without a query: keys and signatures
    /// are secrets (semantic conventions, `url.full`).
    let objectURL: String

    /// - Parameter bucketURL: of the store's objects up to their keys.
    public init(
        database: @escaping () -> SpanServer?, cache: SpanServer?, objectStore: SpanServer, bucketURL: String
    ) {
        self.database = database
        self.cache = cache
        self.objectStore = objectStore
        objectURL = bucketURL + "REDACTED"
    }
}

extension StreamSpan {
    /// What the semantic conventions ask of a call to the database.
    public func setDatabase(_ servers: SpanServers) {
        set(.postgreSQL)
        set(.select)
        set(servers.database())
    }

    /// The same of a call to the cache's server.
    public func setCache(_ servers: SpanServers, _ operation: SpanField) {
        set(.redis)
        set(operation)
        set(servers.cache)
    }

    /// The same of a call to the object store, but for method and status.
    public func setObjectStore(_ servers: SpanServers) {
        set(servers.objectStore)
        set(SpanField(name: .urlFull, value: .text(servers.objectURL)))
    }

    private func set(_ server: SpanServer?) {
        guard let server else { return }
        set(SpanField(name: .serverAddress, value: .text(server.address)))
        set(server.port.map { SpanField(name: .serverPort, value: .number(Int64($0))) })
    }
}
