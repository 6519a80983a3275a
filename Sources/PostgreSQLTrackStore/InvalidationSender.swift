import Resilience
public import StreamIssuing

/// Sends all responders the notification that the database's triggers would send (PostgreSQL manual, "NOTIFY").
public enum InvalidationSender {
    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts.
    ///   - timeout: for connecting and sending together.
    public static func send(
        _ invalidation: Invalidation, conninfo: any ConnectionStringSource, timeout: Duration
    ) throws(Unavailable) {
        let targets = ConnectionTargets(conninfo, overriding: ["target_session_attrs": "primary"])
        // Nothing in a payload needs quoting: ULIDs, an asterisk, a word.
        let command = "notify \(InvalidationPayload.channel), '\(InvalidationPayload.encode(invalidation))'"
        do {
            _ = try targets.connect(by: Deadline(after: timeout)) { (connection, deadline) throws(PostgreSQLError) in
                try connection.execute(command, by: deadline)
            }
        } catch {
            throw error.unavailable
        }
    }
}
