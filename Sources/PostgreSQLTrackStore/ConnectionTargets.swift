import Resilience
import StreamIssuing

/// The servers that a connection string names. They are tried one at a time, each with a share of the remaining time.
///
/// libpq tries several hosts itself, but its non-blocking mode waits for each without limit (`connect_timeout` is for
/// `PQconnectdb` only): a first host that does not respond would hide the others.
final class ConnectionTargets {
    private let source: any ConnectionStringSource
    /// Settings for what the string does not set.
    private let defaults: [(String, String)]
    /// Settings that override the string.
    private let overriding: [(String, String)]
    private let choosesSessionAttributes: Bool
    /// As it was for the last connection.
    private var string: ConnectionString?
    /// The server of the last successful connection: the next attempt begins there.
    private var preferred = 0

    /// - Parameters:
    ///   - applicationName: identifies the connection to a DBA.
    ///   - keepalive: how soon a peer that has vanished is noticed.
    ///   - overriding: settings that override the string.
    init(
        _ source: any ConnectionStringSource, applicationName: String = "novatune-streamd",
        keepalive: Keepalive = .ofQueries, overriding: [String: String] = [:]
    ) {
        self.source = source
        // Nothing else in the start-up packet: poolers refuse connections with parameters that they do not know.
        defaults =
            [("fallback_application_name", applicationName), ("client_encoding", "UTF8")] + keepalive.settings
        self.overriding = overriding.map { ($0.key, $0.value) }
        choosesSessionAttributes = overriding["target_session_attrs"] != nil
    }

    /// - Parameter prepare: makes a connection ready for use; a connection on which it fails counts as a failed one.
    func connect(
        by deadline: Deadline, _ prepare: (PostgreSQLConnection, Deadline) throws(PostgreSQLError) -> Void
    ) throws(PostgreSQLError) -> PostgreSQLConnection {
        takeCurrentString()
        guard let string else { throw PostgreSQLError(code: .connect, message: "the connection string is not valid") }
        // libpq's two passes for `prefer-standby`: of a single server it would take any.
        let passes: [String?] = string.prefersStandby && !choosesSessionAttributes ? ["standby", "any"] : [nil]
        let count = string.servers.count
        let attempts = passes.flatMap { pass in (0..<count).map { (pass, (preferred + $0) % count) } }
        var failure = PostgreSQLError(code: .timeout)
        for (index, (pass, position)) in attempts.enumerated() {
            let share = Deadline(after: deadline.remaining / (attempts.count - index)).earlier(deadline)
            var made: PostgreSQLConnection?
            do {
                let keywords = settings(string, string.servers[position], attributes: pass)
                let connection = try PostgreSQLConnection(keywords, by: share)
                made = connection
                try prepare(connection, share)
                preferred = position
                return connection
            } catch {
                // What is first asked on a connection takes no time where a server serves it. Later questions may wait
                // for a lock.
                let isUnserved = error.code == .timeout && made?.hasAnswered == false
                failure = isUnserved ? PostgreSQLError(code: .unserved) : error
            }
        }
        // The next attempt begins with another server.
        preferred = (preferred + 1) % count
        throw failure
    }

    /// A string that is no longer valid leaves the former one in use.
    private func takeCurrentString() {
        let text = source.current
        guard text != string?.text, let fresh = ConnectionString(text) else { return }
        string = fresh
        preferred = 0
    }

    /// In libpq's order of precedence: as `dbname`, the string is expanded and wins over what stands before it.
    private func settings(
        _ string: ConnectionString, _ server: ConnectionString.Server, attributes: String?
    ) -> [(String, String)] {
        var settings = defaults + [("dbname", string.text.exposeSecret())] + overriding
        // One server replaces the lists of all servers.
        for case (let keyword, let value?) in [
            ("host", server.host), ("hostaddr", server.address), ("port", server.port),
            ("target_session_attrs", attributes),
        ] {
            settings.append((keyword, value))
        }
        return settings
    }
}
