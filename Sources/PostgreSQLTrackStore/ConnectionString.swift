import CPostgreSQL
import StreamIssuing

/// A connection string, taken apart (PostgreSQL manual, "Connection Strings").
struct ConnectionString {
    /// One of several servers: it replaces the lists of the string.
    struct Server: Equatable {
        let host: String?
        let address: String?
        let port: String?
    }

    let text: SecretText
    /// One element that replaces nothing, where the string names one server or none.
    let servers: [Server]
    /// `target_session_attrs=prefer-standby`: any server is right, and a standby is better.
    let prefersStandby: Bool

    /// Nil where libpq cannot read it, or may show a part of the password.
    init?(_ text: SecretText) {
        guard let options = Self.options(text), !Self.mayShowPassword(text.exposeSecret()) else { return nil }
        self.text = text
        prefersStandby = options["target_session_attrs"] == "prefer-standby"
        let (hosts, addresses, ports) = (
            Self.list(options["host"]), Self.list(options["hostaddr"]), Self.list(options["port"])
        )
        let count = max(hosts.count, addresses.count)
        guard count > 1 else {
            servers = [Server(host: nil, address: nil, port: nil)]
            return
        }
        servers = (0..<count).map { index in
            Server(
                host: index < hosts.count ? hosts[index] : nil,
                address: index < addresses.count ? addresses[index] : nil,
                port: ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : nil)
        }
    }

    /// Whether a URI has an `@` behind the one that ends role and password, outside its parameters: an unescaped `@` in
    /// a password, or a `/` before it, makes libpq take the rest for a host, a port or a database, which it names where
    /// it cannot connect.
    private static func mayShowPassword(_ conninfo: String) -> Bool {
        let schemes = ["postgresql://", "postgres://"]
        guard let scheme = schemes.first(where: { conninfo.hasPrefix($0) }) else { return false }
        var rest = conninfo.dropFirst(scheme.count)
        if let end = rest.firstIndex(where: { $0 == "@" || $0 == "/" }), rest[end] == "@" {
            rest = rest[rest.index(after: end)...]
        }
        return rest.prefix { $0 != "?" }.contains("@")
    }

    private static func list(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    /// The settings of the string; nil where libpq cannot read it.
    static func options(_ conninfo: SecretText) -> [String: String]? {
        guard let parsed = unsafe PQconninfoParse(conninfo.exposeSecret(), nil) else { return nil }
        defer { unsafe PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var entry = unsafe parsed
        while let keyword = unsafe entry.pointee.keyword {
            if let value = unsafe entry.pointee.val {
                options[unsafe String(cString: keyword)] = unsafe String(cString: value)
            }
            unsafe entry += 1
        }
        return options
    }
}
