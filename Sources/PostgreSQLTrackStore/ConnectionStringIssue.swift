import CPostgreSQL
import StreamIssuing

/// Why a connection string cannot be used: strings of other clients look much like libpq's. A reason shows no part of
/// the string but the names in these tables, because any other part may be a piece of a password.
enum ConnectionStringIssue {
    private static let form = "write postgresql://user:password@host:port/database"

    /// Drivers that SQLAlchemy writes into the scheme.
    private static let drivers = [
        "asyncpg", "psycopg", "psycopg_async", "psycopg2", "psycopg2cffi", "pg8000", "aiopg", "pygresql",
    ]

    /// Parameters of other clients, with what to do.
    private static let parameters = [
        "pgbouncer": "a parameter of Prisma: remove it, and set NOVATUNE_DATABASE_STATEMENTS=unnamed",
        "schema": "a parameter of Prisma: remove it; the schema is always novatune",
        "currentSchema": "a parameter of JDBC: remove it; the schema is always novatune",
        "search_path": "no parameter of libpq: remove it; the schema is always novatune",
        "connection_limit": "a parameter of Prisma: remove it",
        "pool_timeout": "a parameter of Prisma: remove it",
        "sslaccept": "a parameter of Prisma: remove it, and set sslmode",
        "statement_cache_size": "a parameter of asyncpg and Prisma: remove it; NOVATUNE_DATABASE_STATEMENTS says it",
        "prepared_statement_cache_size": "a parameter of SQLAlchemy: remove it; NOVATUNE_DATABASE_STATEMENTS says it",
        "prepareThreshold": "a parameter of JDBC: remove it; NOVATUNE_DATABASE_STATEMENTS says it",
        "preparedStatementCacheQueries": "a parameter of JDBC: remove it; NOVATUNE_DATABASE_STATEMENTS says it",
        "default_query_exec_mode": "a parameter of pgx: remove it; NOVATUNE_DATABASE_STATEMENTS says it",
        "pool_max_conns": "a parameter of pgx: remove it",
        "targetServerType": "a parameter of JDBC: write target_session_attrs",
        "uselibpqcompat": "a parameter of node-postgres: remove it",
        "workaround": "a parameter of Vercel's client: remove it",
        "supa": "a parameter of Supabase's client: remove it",
        "load_balance_hosts": "a parameter of libpq 16 and newer: remove it",
        "require_auth": "a parameter of libpq 16 and newer: remove it",
        "sslnegotiation": "a parameter of libpq 17 and newer: remove it",
    ]

    /// Values that libpq reads without complaint, and refuses when it connects.
    private static let values = [
        "sslmode": ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"],
        "target_session_attrs": ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"],
    ]

    /// Nil where it can be used.
    static func reason(_ text: String) -> String? {
        if let reason = scheme(text) { return reason }
        guard let options = ConnectionString.options(SecretText(text)) else {
            return parameter(text) ?? quote(text) ?? unreadable
        }
        for keyword in values.keys.sorted() {
            guard let value = options[keyword], let allowed = values[keyword], !allowed.contains(value) else {
                continue
            }
            let problem =
                value == "no-verify" ? "no-verify of node-postgres is no value of sslmode" : "not a value of \(keyword)"
            return "\(problem): write one of \(allowed.joined(separator: ", "))"
        }
        if options["sslrootcert"] == "system", PQlibVersion() < 160_000 {
            return "sslrootcert=system needs libpq 16, and this is \(PQlibVersion() / 10_000): name a file such as "
                + "/etc/ssl/certs/ca-certificates.crt"
        }
        return ConnectionString(SecretText(text)) == nil ? unreadable : nil
    }

    private static let unreadable =
        "not a libpq URI or keywords (a % @ : / in a password is written %25 %40 %3A %2F)"

    private static func scheme(_ text: String) -> String? {
        if text.hasPrefix("jdbc:") { return "jdbc: is the form of Java's driver; \(form)" }
        guard let colon = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<colon.lowerBound]
        if ["postgresql", "postgres"].contains(scheme) { return nil }
        for name in ["postgresql+", "postgres+"] where scheme.hasPrefix(name) {
            let driver = String(scheme.dropFirst(name.count))
            return "\(name)\(drivers.contains(driver) ? driver : "…"):// is the form of SQLAlchemy; \(form)"
        }
        // In keywords it stands in a value.
        return scheme.contains("=") ? nil : "the scheme is not postgresql:// or postgres://; \(form)"
    }

    /// The first parameter of a URI that libpq does not know.
    private static func parameter(_ text: String) -> String? {
        guard text.contains("://"), let start = text.lastIndex(of: "?") else { return nil }
        let names = text[text.index(after: start)...].split(separator: "&").map { String($0.prefix { $0 != "=" }) }
        guard let unknown = names.first(where: { !keywords.contains($0) && $0 != "ssl" }) else { return nil }
        guard let advice = parameters[unknown] else {
            return "after ? it has a parameter that libpq does not know: remove it (\(unreadable))"
        }
        return "\(unknown)= is \(advice)"
    }

    /// In keywords, a quote in a quoted value.
    private static func quote(_ text: String) -> String? {
        guard !text.contains("://"), text.contains("'") else { return nil }
        return "the quotes of its keywords do not match: a quote in a value is written \\'"
    }

    private static let keywords: Set<String> = {
        guard let defaults = unsafe PQconndefaults() else { return [] }
        defer { unsafe PQconninfoFree(defaults) }
        var names: Set<String> = []
        var entry = unsafe defaults
        while let keyword = unsafe entry.pointee.keyword {
            names.insert(unsafe String(cString: keyword))
            unsafe entry += 1
        }
        return names
    }()
}
