import CPostgreSQL
import Glibc
import Resilience

// Commands and queries that are not on a request's way.
extension PostgreSQLConnection {
    /// Runs one statement with parameters as text; results are binary (PostgreSQL manual, "Command Execution Functions").
    func run(_ statement: String, _ parameters: [String] = [], by deadline: Deadline) throws(PostgreSQLError)
        -> PostgreSQLResult
    {
        let copies = unsafe parameters.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        let values = unsafe copies.map { unsafe UnsafePointer($0) }
        let isSent = unsafe values.withUnsafeBufferPointer { values in
            unsafe PQsendQueryParams(
                connection, statement, Int32(values.count), nil, values.baseAddress, nil, nil, 1) == 1
        }
        guard isSent else { throw lost }
        return try receiveAny(by: deadline)
    }
}
