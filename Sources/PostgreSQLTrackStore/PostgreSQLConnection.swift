import CPostgreSQL
import Glibc
import Resilience

/// One connection with the access query prepared. Every wait has a deadline.
@safe final class PostgreSQLConnection {
    private let connection: OpaquePointer

    /// - Parameters:
    ///   - conninfo: URI or keywords (PostgreSQL manual, "Connection Strings"), known to be readable.
    ///   - server: which of several servers.
    init(conninfo: String, server: ConnectionTargets.Server, by deadline: Deadline) throws(PostgreSQLError) {
        guard let connection = unsafe Self.start(conninfo, server) else { throw PostgreSQLError(code: .connect, message: "out of memory") }
        unsafe self.connection = unsafe connection
        try finishConnecting(by: deadline)
        guard unsafe PQsendPrepare(connection, AccessQuery.name, AccessQuery.text, 2, nil) == 1 else { throw lost }
        _ = try result(by: deadline, expecting: PGRES_COMMAND_OK)
    }

    deinit { unsafe PQfinish(connection) }

    /// Parameters as text, results in binary (manual, "Asynchronous Command Processing").
    func send(_ parameters: (String, String)) throws(PostgreSQLError) {
        let sent = unsafe parameters.0.withCString { first in
            unsafe parameters.1.withCString { second in
                let values: [UnsafePointer<CChar>?] = unsafe [first, second]
                return unsafe PQsendQueryPrepared(connection, AccessQuery.name, 2, values, nil, nil, 1)
            }
        }
        guard sent == 1, unsafe PQflush(connection) >= 0 else { throw lost }
    }

    func receive(by deadline: Deadline) throws(PostgreSQLError) -> PostgreSQLResult {
        try result(by: deadline, expecting: PGRES_TUPLES_OK)
    }

    private var lost: PostgreSQLError { PostgreSQLError(code: .lost) }

    private static func start(_ conninfo: String, _ server: ConnectionTargets.Server) -> OpaquePointer? {
        // As `dbname` with expansion, so that what the operator gave wins over what stands before it.
        // A generic plan: the query is two primary-key look-ups whatever its parameters, so it is planned once.
        var settings = [
            ("fallback_application_name", "novatune-streamd"),
            ("options", "-c plan_cache_mode=force_generic_plan -c jit=off"),
            ("client_encoding", "UTF8"),
            ("dbname", conninfo),
        ]
        // Behind it, so that one server replaces the lists of all.
        for case (let keyword, let value?) in [("host", server.host), ("hostaddr", server.address), ("port", server.port)] {
            settings.append((keyword, value))
        }
        let keywords = unsafe settings.map { unsafe strdup($0.0) }
        let values = unsafe settings.map { unsafe strdup($0.1) }
        defer { unsafe (keywords + values).forEach { unsafe free($0) } }
        let keywordPointers = unsafe keywords.map { unsafe UnsafePointer($0) } + [nil]
        let valuePointers = unsafe values.map { unsafe UnsafePointer($0) } + [nil]
        return unsafe PQconnectStartParams(keywordPointers, valuePointers, 1)
    }

    private func finishConnecting(by deadline: Deadline) throws(PostgreSQLError) {
        var direction = PGRES_POLLING_WRITING
        while true {
            guard unsafe PQstatus(connection) != CONNECTION_BAD else { throw connectFailed }
            switch direction {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try wait(for: POLLIN, by: deadline)
            case PGRES_POLLING_WRITING: try wait(for: POLLOUT, by: deadline)
            default: throw connectFailed
            }
            direction = unsafe PQconnectPoll(connection)
        }
    }

    private var connectFailed: PostgreSQLError {
        let message = unsafe String(cString: PQerrorMessage(connection))
        let oneLine = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return PostgreSQLError(code: .connect, message: String(oneLine.prefix(300)))
    }

    private func result(by deadline: Deadline, expecting status: ExecStatusType) throws(PostgreSQLError) -> PostgreSQLResult {
        var first: PostgreSQLResult?
        while true {
            while unsafe PQisBusy(connection) == 1 {
                try wait(for: POLLIN, by: deadline)
                guard unsafe PQconsumeInput(connection) == 1 else { throw lost }
            }
            // nil ends the results of a command; libpq sends the next only after it.
            guard let next = unsafe PQgetResult(connection) else { break }
            let result = unsafe PostgreSQLResult(next)
            if first == nil { first = result }
        }
        guard let first else { throw lost }
        guard first.status == status else {
            throw first.sqlState.map { PostgreSQLError(code: .sql(state: $0)) } ?? lost
        }
        return first
    }

    private func wait(for event: Int32, by deadline: Deadline) throws(PostgreSQLError) {
        while true {
            var waiting = pollfd(fd: unsafe PQsocket(connection), events: Int16(event), revents: 0)
            let count = unsafe poll(&waiting, 1, deadline.remainingMilliseconds)
            if count > 0 { return }
            if count == 0 { throw PostgreSQLError(code: .timeout) }
            guard errno == EINTR else { throw lost }
        }
    }
}

/// Rows in binary form.
@safe final class PostgreSQLResult {
    private let result: OpaquePointer

    init(_ result: OpaquePointer) { unsafe self.result = unsafe result }

    deinit { unsafe PQclear(result) }

    var status: ExecStatusType { unsafe PQresultStatus(result) }
    var rowCount: Int32 { unsafe PQntuples(result) }

    /// SQLSTATE; nil where the error is libpq's own.
    var sqlState: String? {
        unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { unsafe String(cString: $0) }
    }

    func isNull(_ column: Int32) -> Bool { unsafe PQgetisnull(result, 0, column) == 1 }

    func text(_ column: Int32) throws(PostgreSQLError) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: PQgetvalue(result, 0, column), count: Int(PQgetlength(result, 0, column)))
        guard !isNull(column) else { throw PostgreSQLError(code: .unexpectedRow(column: column)) }
        // client_encoding is UTF8: the server sends nothing else.
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// `bigint`, or a `timestamptz` as microseconds since 2000-01-01.
    func integer(_ column: Int32) throws(PostgreSQLError) -> Int64 {
        guard !isNull(column), unsafe PQgetlength(result, 0, column) == 8 else {
            throw PostgreSQLError(code: .unexpectedRow(column: column))
        }
        return unsafe Int64(bigEndian: UnsafeRawPointer(PQgetvalue(result, 0, column)).loadUnaligned(as: Int64.self))
    }

    func boolean(_ column: Int32) throws(PostgreSQLError) -> Bool {
        guard !isNull(column), unsafe PQgetlength(result, 0, column) == 1 else {
            throw PostgreSQLError(code: .unexpectedRow(column: column))
        }
        return unsafe PQgetvalue(result, 0, column)!.pointee != 0
    }
}
