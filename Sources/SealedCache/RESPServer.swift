/// A Redis, Valkey or Garnet server. Describes itself without its password.
public struct RESPServer: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    public enum Location: Sendable, Equatable {
        case tcp(host: String, port: UInt16)
        case unix(path: String)
    }

    public let location: Location
    /// Number for SELECT.
    public let database: Int
    let user: String?
    let password: String?

    public init(location: Location, database: Int = 0, user: String? = nil, password: String? = nil) {
        self.location = location
        self.database = database
        self.user = user
        self.password = password
    }

    public var customMirror: Mirror { Mirror(self, children: []) }

    public var description: String {
        switch location {
        case .tcp(let host, let port): "redis://\(host):\(port)/\(database)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
