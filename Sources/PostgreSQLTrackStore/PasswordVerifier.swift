import CPostgreSQL
public import StreamIssuing

/// What a server stores of a password (PostgreSQL manual, "Password Authentication"; RFC 5802). It is computed here, so
/// that no password stands in a statement, and so in no log of the server.
public enum PasswordVerifier {
    /// `SCRAM-SHA-256$…`, which needs no quoting in SQL but the quotes around it. Nil where libpq has no memory.
    public static func scram(_ password: SecretText, role: String) -> String? {
        // libpq wants a connection. It asks the server for nothing where the algorithm is named, so one that cannot be
        // made serves as well.
        guard let connection = unsafe PQconnectStart("host=/nonexistent") else { return nil }
        defer { unsafe PQfinish(connection) }
        let text = unsafe PQencryptPasswordConn(connection, password.exposeSecret(), role, "scram-sha-256")
        guard let text = unsafe text else { return nil }
        defer { unsafe PQfreemem(text) }
        return unsafe String(cString: text)
    }
}
