import PostgreSQLTrackStore
import SigV4
import StreamIssuing

/// The responder's URL of the database, made from the owner's.
enum ResponderAddress {
    /// Parameters that hold for each role; the owner's certificate, options and timeouts are its own.
    private static let kept = [
        "hostaddr", "sslmode", "sslrootcert", "sslcrl", "sslcrldir", "channel_binding", "gssencmode",
    ]

    /// - Parameter password: nil where none is needed (peer).
    static func url(_ owner: OwnerDatabase, password: SecretText?) -> SecretText {
        var parameters: [(String, String)] = []
        let hosts = (owner["host"] ?? "").split(separator: ",").map { String($0) }
        let ports = (owner["port"] ?? "").split(separator: ",").map { String($0) }
        let isSocket = hosts.isEmpty || hosts.contains { $0.hasPrefix("/") }
        var authority = ""
        if isSocket {
            parameters.append(("host", hosts.isEmpty ? "/var/run/postgresql" : hosts.joined(separator: ",")))
            if !ports.isEmpty { parameters.append(("port", ports.joined(separator: ","))) }
        } else {
            authority = hosts.enumerated().map { index, host in
                let port = ports.count == 1 ? ports[0] : index < ports.count ? ports[index] : ""
                return (host.contains(":") ? "[\(host)]" : host) + (port.isEmpty ? "" : ":\(port)")
            }.joined(separator: ",")
        }
        for keyword in kept {
            if keyword == "hostaddr", isSocket { continue }
            if let value = owner[keyword] { parameters.append((keyword, value)) }
        }
        let login = OwnerDatabase.responder + (password.map { ":" + URIEncoding.encode($0.exposeSecret()) } ?? "")
        let query = parameters.map { "\($0.0)=\(URIEncoding.encode($0.1, keepingSlashes: true))" }.joined(
            separator: "&")
        let text = "postgresql://\(login)@\(authority)/\(URIEncoding.encode(owner.name))"
        return SecretText(text + (query.isEmpty ? "" : "?" + query))
    }

    /// Whether a URL that is set already names the same role and database, at the same place.
    static func isSame(_ url: SecretText, as owner: OwnerDatabase) -> Bool {
        func values(_ text: SecretText) -> [String: String] {
            (ConnectionParameter.all(of: text) ?? []).reduce(into: [:]) { $0[$1.keyword] = $1.value.exposeSecret() }
        }
        let (given, expected) = (values(url), values(Self.url(owner, password: nil)))
        return ["user", "host", "hostaddr", "port", "dbname"].allSatisfy { given[$0] == expected[$0] }
    }
}
