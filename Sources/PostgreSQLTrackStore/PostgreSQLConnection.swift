import CPostgreSQL
import Glibc
import Resilience
import StreamIssuing

/// One connection. Every wait has a deadline.
@safe final class PostgreSQLConnection {
    let connection: OpaquePointer
    /// The access query in its forms, from `prepare` on.
    var queries = AccessQueries.plain
    /// The forms that are sent by the names of their prepared statements.
    var prepared: PreparedForms = []
    /// Whether a server has answered what was asked on it.
    private(set) var hasAnswered = false

    /// - Parameter settings: keywords and values (PostgreSQL manual, "Parameter Key Words"), known to be readable;
    ///   later ones win.
    init(_ settings: [(String, String)], by deadline: Deadline) throws(PostgreSQLError) {
        guard let connection = unsafe Self.start(settings) else {
            throw PostgreSQLError(code: .connect, message: "out of memory")
        }
        unsafe self.connection = unsafe connection
        // libpq would write the server's notices to standard error, among the log's lines, and they may quote a row.
        unsafe _ = PQsetNoticeProcessor(connection, { _, _ in }, nil)
        try finishConnecting(by: deadline)
    }

    deinit { unsafe PQfinish(connection) }

    /// Runs a command without parameters and discards its rows.
    func execute(_ command: String, by deadline: Deadline) throws(PostgreSQLError) {
        guard unsafe PQsendQuery(connection, command) == 1 else { throw lost }
        _ = try receiveAny(by: deadline)
    }

    /// Runs a query without parameters.
    /// - Returns: the first column of its one row, as text; nil for null.
    func value(of query: String, by deadline: Deadline) throws(PostgreSQLError) -> String? {
        guard unsafe PQsendQuery(connection, query) == 1 else { throw lost }
        let result = try receive(by: deadline)
        guard result.rowCount == 1 else { throw PostgreSQLError(code: .unexpectedRow(column: 0)) }
        return result.isNull(0) ? nil : try result.text(0)
    }

    func prepareStatement(_ query: AccessQuery, by deadline: Deadline) throws(PostgreSQLError) {
        guard unsafe PQsendPrepare(connection, query.name, query.text, query.parameterCount, nil) == 1 else {
            throw lost
        }
        let result = try firstResult(by: deadline)
        guard result.status == PGRES_COMMAND_OK else { throw failure(result) }
    }

    /// The next notification; nil where none came in time, or before the signal to stop.
    func notification(by deadline: Deadline, _ stop: StopSignal) throws(PostgreSQLError) -> Notification? {
        while true {
            if let notification = takeNotification() { return notification }
            do {
                try wait(for: POLLIN, by: deadline, stop)
            } catch  where error.code == .timeout {
                return nil
            }
            guard unsafe PQconsumeInput(connection) == 1 else { throw lost }
        }
    }

    struct Notification {
        let channel: String
        let payload: String
    }

    private func takeNotification() -> Notification? {
        guard let notification = unsafe PQnotifies(connection) else { return nil }
        defer { unsafe PQfreemem(notification) }
        return unsafe Notification(
            channel: String(cString: notification.pointee.relname),
            payload: String(cString: notification.pointee.extra))
    }

    /// Sends a query of two parameters by its text.
    func send(_ query: AccessQuery, _ first: String, _ second: String) throws(PostgreSQLError) {
        guard queue(query, byName: false, first, second), unsafe PQflush(connection) >= 0 else { throw lost }
    }

    /// Sends the access query for audio.
    func send(_ user: UserReference, _ track: ULID) throws(PostgreSQLError) {
        guard queue(user, track, .audio), unsafe PQflush(connection) >= 0 else { throw lost }
    }

    func receive(by deadline: Deadline) throws(PostgreSQLError) -> PostgreSQLResult {
        let result = try firstResult(by: deadline)
        guard result.status == PGRES_TUPLES_OK else { throw failure(result) }
        return result
    }

    /// As `receive`, also of a command that returns no rows.
    func receiveAny(by deadline: Deadline) throws(PostgreSQLError) -> PostgreSQLResult {
        let result = try firstResult(by: deadline)
        guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(result.status) else { throw failure(result) }
        return result
    }

    var lost: PostgreSQLError { PostgreSQLError(code: .lost) }

    private static func start(_ settings: [(String, String)]) -> OpaquePointer? {
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
            case PGRES_POLLING_READING: try waitForLogin(POLLIN, by: deadline)
            case PGRES_POLLING_WRITING: try waitForLogin(POLLOUT, by: deadline)
            default: throw connectFailed
            }
            direction = unsafe PQconnectPoll(connection)
        }
    }

    private func waitForLogin(_ event: Int32, by deadline: Deadline) throws(PostgreSQLError) {
        do {
            try wait(for: event, by: deadline)
        } catch  where error.code == .timeout {
            let isAccepted = unsafe ![CONNECTION_NEEDED, CONNECTION_STARTED].contains(PQstatus(connection))
            throw isAccepted ? PostgreSQLError(code: .unserved) : error
        }
    }

    private var connectFailed: PostgreSQLError {
        let message = unsafe String(cString: PQerrorMessage(connection))
        let oneLine = message.split(whereSeparator: \.isNewline).joined(separator: " ")
        return PostgreSQLError(code: .connect, message: String(oneLine.prefix(300)))
    }

    private func failure(_ result: PostgreSQLResult) -> PostgreSQLError {
        result.sqlState.map { PostgreSQLError(sqlState: $0) } ?? lost
    }

    private func firstResult(by deadline: Deadline) throws(PostgreSQLError) -> PostgreSQLResult {
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
        hasAnswered = true
        return first
    }

    /// - Parameter stop: counts as the deadline.
    private func wait(for event: Int32, by deadline: Deadline, _ stop: StopSignal? = nil) throws(PostgreSQLError) {
        while true {
            var waiting = [
                pollfd(fd: unsafe PQsocket(connection), events: Int16(event), revents: 0),
                // poll(2) ignores a negative descriptor.
                pollfd(fd: stop?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = unsafe poll(&waiting, 2, deadline.remainingMilliseconds)
            if count > 0, waiting[0].revents != 0 { return }
            if count >= 0 { throw PostgreSQLError(code: .timeout) }
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
    static let rows = PGRES_TUPLES_OK
    var rowCount: Int32 { unsafe PQntuples(result) }

    /// SQLSTATE; nil where the error is libpq's own.
    var sqlState: String? {
        unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { unsafe String(cString: $0) }
    }

    func isNull(_ column: Int32, row: Int32 = 0) -> Bool { unsafe PQgetisnull(result, row, column) == 1 }

    func text(_ column: Int32, row: Int32 = 0) throws(PostgreSQLError) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(
            start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
        guard !isNull(column, row: row) else { throw PostgreSQLError(code: .unexpectedRow(column: column)) }
        // client_encoding is UTF8: the server sends nothing else.
        return unsafe String(decoding: bytes, as: UTF8.self)
    }

    /// `bigint`, or a `timestamptz` as microseconds since 2000-01-01.
    func integer(_ column: Int32, row: Int32 = 0) throws(PostgreSQLError) -> Int64 {
        guard !isNull(column, row: row), unsafe PQgetlength(result, row, column) == 8 else {
            throw PostgreSQLError(code: .unexpectedRow(column: column))
        }
        return unsafe Int64(bigEndian: UnsafeRawPointer(PQgetvalue(result, row, column)).loadUnaligned(as: Int64.self))
    }
}
