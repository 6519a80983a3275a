import CPostgreSQL
import Glibc
import StreamIssuing

// libpq's pipeline mode (PostgreSQL manual, "Pipeline Mode"), without waiting for anything.
extension PostgreSQLConnection {
    enum PipelineEvent {
        /// The result of the oldest query that has none.
        case result(PostgreSQLResult)
        /// The query was not run, because another one between the same two syncs failed.
        case aborted
        case sync
        /// Nothing more has arrived.
        case waiting
    }

    var descriptor: Int32 { unsafe PQsocket(connection) }

    /// - Throws: where libpq refuses, which it does only in the middle of another command.
    func enterPipeline() throws(PostgreSQLError) {
        guard unsafe PQsetnonblocking(connection, 1) == 0, unsafe PQenterPipelineMode(connection) == 1 else {
            throw lost
        }
    }

    /// Appends the access query to libpq's buffer; `sync` and `flush` send it. Parameters as text, results in binary
    /// (manual, "Asynchronous Command Processing").
    func queue(_ user: UserReference, _ track: ULID, _ part: TrackPart) -> Bool {
        let byName = sendsByName(user, part)
        return switch user {
        case .id(let id):
            queue(part == .audio ? queries.byID : queries.waveformByID, byName: byName, id, track)
        case .identity(let identity):
            queue(part == .audio ? queries.byIdentity : queries.waveformByIdentity, byName: byName, identity, track)
        }
    }

    func queue(_ query: AccessQuery, byName: Bool, _ first: String, _ second: String) -> Bool {
        unsafe first.withCString { first in
            unsafe second.withCString { second in unsafe queue(query, byName: byName, first, second) }
        }
    }

    private func queue(_ query: AccessQuery, byName: Bool, _ user: ULID, _ track: ULID) -> Bool {
        unsafe Self.withCString(user) { user in
            unsafe Self.withCString(track) { track in unsafe queue(query, byName: byName, user, track) }
        }
    }

    private func queue(
        _ query: AccessQuery, byName: Bool, _ first: UnsafePointer<CChar>, _ second: UnsafePointer<CChar>
    ) -> Bool {
        unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: 2) { values in
            unsafe values[0] = first
            unsafe values[1] = second
            return unsafe queue(query, byName: byName, values)
        }
    }

    private func queue(_ query: AccessQuery, byName: Bool, _ identity: UserIdentity, _ track: ULID) -> Bool {
        unsafe identity.issuer.withCString { issuer in
            unsafe identity.subject.exposeSecret().withCString { subject in
                unsafe Self.withCString(track) { track in
                    unsafe withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: 3) { values in
                        unsafe values[0] = issuer
                        unsafe values[1] = subject
                        unsafe values[2] = track
                        return unsafe queue(query, byName: byName, values)
                    }
                }
            }
        }
    }

    private static func withCString(_ id: ULID, _ body: (UnsafePointer<CChar>) -> Bool) -> Bool {
        let text = id.utf8
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: text.count + 1) { characters in
            for index in text.indices { unsafe characters[index] = CChar(text[index]) }
            unsafe characters[text.count] = 0
            return unsafe body(characters.baseAddress!)
        }
    }

    private func queue(
        _ query: AccessQuery, byName: Bool, _ values: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>
    ) -> Bool {
        unsafe (byName ? query.name : query.text).withCString { statement in
            let (count, parameters) = (query.parameterCount, values.baseAddress)
            return unsafe byName
                ? PQsendQueryPrepared(connection, statement, count, parameters, nil, nil, 1) == 1
                : PQsendQueryParams(connection, statement, count, nil, parameters, nil, nil, 1) == 1
        }
    }

    /// Ends a group of queries: a failed one takes only the rest of its group with it. libpq 15 sends what it has
    /// buffered.
    func sync() -> Bool { unsafe PQpipelineSync(connection) == 1 }

    /// - Returns: whether everything is sent; nil where the connection is lost.
    func flush() -> Bool? {
        switch unsafe PQflush(connection) {
        case 0: true
        case 1: false
        default: nil
        }
    }

    /// Reads what has arrived. False where the connection is lost.
    func consume() -> Bool { unsafe PQconsumeInput(connection) == 1 }

    /// The next event that has arrived in full.
    /// - Parameter expected: how many results and syncs are still to come; libpq says "no more results" in between.
    func nextEvent() throws(PostgreSQLError) -> PipelineEvent {
        // After each query's results libpq says once that there are no more.
        for _ in 0..<2 {
            guard unsafe PQisBusy(connection) == 0 else { return .waiting }
            guard let next = unsafe PQgetResult(connection) else { continue }
            let result = unsafe PostgreSQLResult(next)
            switch result.status {
            case PGRES_PIPELINE_SYNC: return .sync
            case PGRES_PIPELINE_ABORTED: return .aborted
            default:
                guard unsafe PQstatus(connection) == CONNECTION_OK else { throw lost }
                return .result(result)
            }
        }
        return .waiting
    }

    /// Asks the server to cancel its work for this connection. Closing alone does not: the server goes on waiting for a
    /// lock. Blocks for as long as connecting takes.
    func cancel() {
        guard let cancel = unsafe PQgetCancel(connection) else { return }
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            unsafe _ = PQcancel(cancel, text.baseAddress, Int32(text.count))
        }
        unsafe PQfreeCancel(cancel)
    }
}
