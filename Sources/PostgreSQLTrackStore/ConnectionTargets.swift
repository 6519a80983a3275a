import CPostgreSQL
import Resilience
import StreamIssuing

/// The servers that a connection string names, tried one at a time, each with a share of what time is left.
///
/// libpq tries several hosts itself, but without blocking it waits for each without end (`connect_timeout` is for
/// `PQconnectdb` only): a first host that is dead without a word would hide the others.
final class ConnectionTargets {
    /// A server's place among several: what replaces the lists of the string.
    struct Server: Equatable {
        let host: String?
        let address: String?
        let port: String?
    }

    let isValid: Bool
    private let conninfo: SecretText
    /// Where the string says nothing.
    private let defaults: [(String, String)]
    /// Whatever the string says.
    private let overriding: [(String, String)]
    /// One element, nothing replaced, where the string names one server or none.
    let servers: [Server]
    /// Where the last connection came about: the next begins there.
    private var preferred = 0

    /// - Parameters:
    ///   - applicationName: by which a DBA tells the connection from others.
    ///   - overriding: settings that hold whatever the string says.
    init(conninfo: SecretText, applicationName: String = "novatune-streamd", overriding: [String: String] = [:]) {
        self.conninfo = conninfo
        // A generic plan: the query is two primary-key look-ups whatever its parameters, so it is planned once.
        defaults = [
            ("fallback_application_name", applicationName), ("options", "-c plan_cache_mode=force_generic_plan -c jit=off"),
            ("client_encoding", "UTF8"),
        ]
        self.overriding = overriding.map { ($0.key, $0.value) }
        guard let options = Self.options(conninfo), !Self.mayShowPassword(conninfo.exposed) else {
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

    /// - Parameter prepare: what makes a connection fit for use; one on which it fails counts as one that did not come about.
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
        // The next attempt begins with another one.
        preferred = (preferred + 1) % servers.count
        throw failure
    }

    /// In libpq's order of precedence: as `dbname`, the string is expanded and wins over what stands before it.
    private func settings(_ server: Server) -> [(String, String)] {
        var settings = defaults + [("dbname", conninfo.exposed)] + overriding
        // One server replaces the lists of all.
        for case (let keyword, let value?) in [("host", server.host), ("hostaddr", server.address), ("port", server.port)] {
            settings.append((keyword, value))
        }
        return settings
    }

    /// Whether a URI has an `@` behind the one that ends role and password, but for its parameters: a password's own `@`, or its `/` before
    /// that, makes libpq take the rest for a host, a port or a database, which it names where it cannot connect.
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

    /// What the string says; nil where libpq cannot read it.
    private static func options(_ conninfo: SecretText) -> [String: String]? {
        guard let parsed = unsafe PQconninfoParse(conninfo.exposed, nil) else { return nil }
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
