import Resilience

// What a connection needs before its first access query.
extension PostgreSQLConnection {
    /// - Parameter limit: of each statement, enforced by the server: a statement that was given up here would go on
    ///   waiting for a lock, in a backend that does not end with its client.
    /// - Throws: also where the server is too far behind its primary.
    func prepare(_ options: AccessOptions, limit: Duration, by deadline: Deadline) throws(PostgreSQLError) {
        queries = options.queries
        if options.statements == .named {
            // A generic plan: the query is a few primary-key look-ups whatever its parameters, so it is planned once.
            _ = try value(
                of: """
                    select pg_catalog.set_config('statement_timeout', '\(limit.roundedUpMilliseconds)', false),
                    pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),
                    pg_catalog.set_config('jit', 'off', false)
                    """, by: deadline)
            if try prepareUnlessThere(queries.byID, by: deadline) { prepared.insert(.byID) }
            for (query, form) in [
                (queries.byIdentity, PreparedForms.byIdentity), (queries.waveformByID, .waveformByID),
                (queries.waveformByIdentity, .waveformByIdentity),
            ] where try prepareIfSchemaHasIt(query, by: deadline) { prepared.insert(form) }
        }
        if options.replicaLag.maximum != nil {
            let lag = try value(of: "select \(ReplicaLag.milliseconds)", by: deadline)
            try options.replicaLag.check(lag.flatMap { Int64($0) })
        }
    }

    /// A statement of this name on a fresh connection is a pooler's: the next query may go to a server connection that
    /// has none.
    /// - Returns: whether the query may be sent by its name.
    private func prepareUnlessThere(_ query: AccessQuery, by deadline: Deadline) throws(PostgreSQLError) -> Bool {
        do {
            try prepareStatement(query, by: deadline)
            return true
        } catch  where error.isAboutStatementName {
            return false
        }
    }

    /// A schema without identities or waveforms serves all other requests. Once it has them, the query's text works.
    private func prepareIfSchemaHasIt(_ query: AccessQuery, by deadline: Deadline) throws(PostgreSQLError) -> Bool {
        do {
            return try prepareUnlessThere(query, by: deadline)
        } catch  where error.isAboutPrivilegesOrSchema || error.isAboutMissingColumn {
            return false
        }
    }
}
