import CPostgreSQL
public import StreamIssuing

/// A parameter of a connection string, for handing it to another program of PostgreSQL.
public struct ConnectionParameter: Sendable, Equatable {
    /// `host`, `dbname` and so on (PostgreSQL manual, "Parameter Key Words").
    public let keyword: String
    /// The variable that libpq reads it from, such as `PGHOST`; nil where it has none.
    public let variable: String?
    /// It may be a password.
    public let value: SecretText

    /// The parameters that a string sets; nil where libpq cannot read it.
    public static func all(of conninfo: SecretText) -> [ConnectionParameter]? {
        guard let parsed = unsafe PQconninfoParse(conninfo.exposeSecret(), nil) else { return nil }
        defer { unsafe PQconninfoFree(parsed) }
        var parameters: [ConnectionParameter] = []
        var entry = unsafe parsed
        while let keyword = unsafe entry.pointee.keyword {
            if let value = unsafe entry.pointee.val {
                parameters.append(
                    ConnectionParameter(
                        keyword: unsafe String(cString: keyword),
                        variable: unsafe entry.pointee.envvar.map { unsafe String(cString: $0) },
                        value: SecretText(unsafe String(cString: value))))
            }
            unsafe entry += 1
        }
        return parameters
    }
}
