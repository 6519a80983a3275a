import CPostgreSQL
import Resilience
import StreamIssuing

/// The servers that a connection string names. They are tried one at a time, each with a share of the remaining time.
///
/// libpq tries several hosts itself, but its non-blocking mode waits for each without limit (`connect_timeout` is for `PQconnectdb`
/// only): a first host that does not respond would hide the others.
final class ConnectionTargets {
    /// One of several servers: it replaces the lists of the string.
    struct Server: Equatable {
        let host: String?
        let address: String?
        let port: String?
    }

    let isValid: Bool
    private let conninfo: SecretText
    /// Settings for what the string does not set.
    private let defaults: [(String, String)]
    /// Settings that override the string.
    private let overriding: [(String, String)]
    /// One element that replaces nothing, where the string names one server or none.
    let servers: [Server]
    /// The server of the last successful connection: the next attempt begins there.
    private var preferred = 0

    /// - Parameters:
    ///   - applicationName: identifies the connection to a DBA.
    ///   - overriding: settings that override the string.
    init(conninfo: SecretText, applicationName: String = "novatune-streamd", overriding: [String: String] = [:]) {
        self.conninfo = conninfo
        // A generic plan: the query is two primary-key look-ups whatever its parameters, so it is planned once.
        defaults = [
            ("fallback_application_name", applicationName), ("options", "-c plan_cache_mode=force_generic_plan -c jit=off"),
            ("client_encoding", "UTF8"),
        ]
        self.overriding = overriding.map { ($0.key, $0.value) }
        guard let options = Self.options(conninfo), !Self.mayShowPassword(conninfo.exposeSecret()) else {
            isValid = false
            servers = [Server(host: nil, address: nil, port: nil)]
            return
        }
        isValid = true
        let (hosts, addresses, ports) = (Self.list(options["host"]), Self.list(options["hostaddr"]), Self.list(options["port"]))
        let count = max(hosts.count, addresses.count)
        guard count > 1 else {
            servers = [Server(host: nil, address: nil, port: nil)]
            return
        }
        servers = (0..<count).map { index in
            Server(
                host: index < hosts.count ? hosts[index] : nil, address: index < addresses.count ? addresses[index] : nil,
                port: ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : nil)
        }
    }

    /// - Parameter prepare: makes a connection ready for use; a connection on which it fails counts as a failed one.
    func connect(
        by deadline: Deadline, _ prepare: (PostgreSQLConnection, Deadline) throws(PostgreSQLError) -> Void
    ) throws(PostgreSQLError) -> PostgreSQLConnection {
        var failure = PostgreSQLError(code: .timeout)
        for attempt in servers.indices {
            let position = (preferred + attempt) % servers.count
            let share = Deadline(after: deadline.remaining / (servers.count - attempt)).earlier(deadline)
            do {
                let connection = try PostgreSQLConnection(settings(servers[position]), by: share)
                try prepare(connection, share)
                preferred = position
                return connection
            } catch {
                failure = error
            }
        }
        // The next attempt begins with another server.
        preferred = (preferred + 1) % servers.count
        throw failure
    }

    /// In libpq's order of precedence: as `dbname`, the string is expanded and wins over what stands before it.
    private func settings(_ server: Server) -> [(String, String)] {
        var settings = defaults + [("dbname", conninfo.exposeSecret())] + overriding
        // One server replaces the lists of all servers.
        for case (let keyword, let value?) in [("host", server.host), ("hostaddr", server.address), ("port", server.port)] {
            settings.append((keyword, value))
        }
        return settings
    }

    /// Whether a URI has an `@` behind the one that ends role and password, outside its parameters: an unescaped `@` in a password, or a
    /// `/` before it, makes libpq take the rest for a host, a port or a database, which it names where it cannot connect.
    private static func mayShowPassword(_ conninfo: String) -> Bool {
        let schemes = ["postgresql://", "postgres://"]
        guard let scheme = schemes.first(where: { conninfo.hasPrefix($0) }) else { return false }
        var rest = conninfo.dropFirst(scheme.count)
        if let end = rest.firstIndex(where: { $0 == "@" || $0 == "/" }), rest[end] == "@" { rest = rest[rest.index(after: end)...] }
        return rest.prefix { $0 != "?" }.contains("@")
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// The settings of the string; nil where libpq cannot read it.
    private static func options(_ conninfo: SecretText) -> [String: String]? {
        guard let parsed = unsafe PQconninfoParse(conninfo.exposeSecret(), nil) else { return nil }
        defer { unsafe PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var entry = unsafe parsed
        while let keyword = unsafe entry.pointee.keyword {
            if let value = unsafe entry.pointee.val { options[unsafe String(cString: keyword)] = unsafe String(cString: value) }
            unsafe entry += 1
        }
        return options
    }
}
