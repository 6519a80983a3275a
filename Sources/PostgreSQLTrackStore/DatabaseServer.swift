import CPostgreSQL

/// The server of a connection.
public enum DatabaseServer: Sendable, Equatable {
    /// A name, or an address.
    case tcp(host: String, port: UInt16?)
    /// The path of its socket.
    case unix(path: String)

    /// - Parameters:
    ///   - host: as libpq has it: a directory where it begins with `/` or `@`.
    ///   - port: as text.
    init(host: String, port: String) {
        let isDirectory = host.hasPrefix("/") || host.hasPrefix("@")
        self = isDirectory ? .unix(path: "\(host)/.s.PGSQL.\(port)") : .tcp(host: host, port: UInt16(port))
    }
}

extension PostgreSQLConnection {
    /// Of a connection that has been made; nil where libpq does not know it.
    var server: DatabaseServer? {
        guard let host = unsafe PQhost(connection), let port = unsafe PQport(connection) else { return nil }
        let (name, number) = unsafe (String(cString: host), String(cString: port))
        return name.isEmpty ? nil : DatabaseServer(host: name, port: number)
    }
}
