import PostgreSQLTrackStore
import StreamIssuing

/// The database as its owner: psql and sqitch, which get the connection by libpq's variables, so that no password is an
/// argument.
struct OwnerDatabase {
    /// What a connection as the owner shows.
    struct Facts: Equatable {
        let version: Int
        let encoding: String
        let mayCreate: Bool
        let mayCreateRoles: Bool
        let hasResponder: Bool
        let isStandby: Bool
        let hasRegistry: Bool
    }

    /// The account to run as; nil for that of setup.
    let account: String?
    let name: String
    private let parameters: [ConnectionParameter]
    private let runner: any CommandRunning
    private let inherited: [String: String]

    /// - Parameters:
    ///   - url: what `DatabaseSetting.url` accepts.
    ///   - account: as the operator says.
    ///   - environment: its `PG…` are libpq's defaults, such as `PGPASSFILE`.
    init(url: SecretText, account: String?, environment: [String: String], runner: any CommandRunning) {
        parameters = ConnectionParameter.all(of: url) ?? []
        self.runner = runner
        inherited = environment.filter { $0.key.hasPrefix("PG") }
        let values = parameters.reduce(into: [String: String]()) { $0[$1.keyword] = $1.value.exposeSecret() }
        name = values["dbname"] ?? "novatune"
        let isOnSocket =
            (values["host"] ?? "/").hasPrefix("/") && values["hostaddr"] == nil && values["password"] == nil
        let owner = values["user"] ?? "postgres"
        self.account = account ?? (isOnSocket && owner != "root" && SetupFiles.hasAccount(owner) ? owner : nil)
    }

    /// A parameter of the URL.
    subscript(_ keyword: String) -> String? {
        parameters.first { $0.keyword == keyword }?.value.exposeSecret()
    }

    /// The password of the URL, which no output may show.
    var password: SecretText? { parameters.first { $0.keyword == "password" }?.value }

    /// What libpq reads in place of a connection string.
    private var variables: [String: String] {
        parameters.reduce(into: inherited) { variables, parameter in
            if let variable = parameter.variable { variables[variable] = parameter.value.exposeSecret() }
        }
    }

    /// Runs statements in one transaction.
    /// - Returns: the columns of each row.
    func rows(_ statements: String, in database: String? = nil) throws(SetupFailure) -> [[String]] {
        var environment = variables
        environment["PGDATABASE"] = database ?? name
        environment["PGCONNECT_TIMEOUT"] = "10"
        let command = ExternalCommand(
            program: "psql",
            arguments: [
                "--no-psqlrc", "--no-password", "--quiet", "--tuples-only", "--no-align", "--field-separator=\u{1F}",
                "--set=ON_ERROR_STOP=1", "--file=-",
            ], environment: environment, input: statements, account: account)
        let output = try runner.output(command)
        guard output.status == 0 else { throw Self.failure(output) }
        return output.text.split(separator: "\n").map { line in
            line.split(separator: "\u{1F}", omittingEmptySubsequences: false).map { String($0) }
        }
    }

    static func failure(_ output: CommandOutput) -> SetupFailure {
        let words = output.lastLines(2)
        let advice =
            if words.contains("authentication failed") || words.contains("no password supplied") {
                "correct role and password of SETUP_DATABASE_OWNER_URL, or the account of SETUP_DATABASE_OWNER_ACCOUNT"
            } else if words.contains("does not exist") {
                "correct SETUP_DATABASE_OWNER_URL"
            } else {
                "correct SETUP_DATABASE_OWNER_URL, or see that PostgreSQL runs there and lets this machine in"
            }
        return SetupFailure("the database as its owner: \(words)", advice: advice)
    }

    /// Whether the database is there; other errors are thrown.
    func exists() throws(SetupFailure) -> Bool {
        do {
            _ = try rows("select 1;")
            return true
        } catch {
            guard error.reason.contains("database \"\(name)\" does not exist") else { throw error }
            return false
        }
    }

    func facts() throws(SetupFailure) -> Facts {
        let row =
            try rows(
                """
                select current_setting('server_version_num'), pg_encoding_to_char(d.encoding),
                       has_database_privilege(current_database(), 'create'), r.rolsuper or r.rolcreaterole,
                       exists (select from pg_roles where rolname = '\(Self.responder)'), pg_is_in_recovery(),
                       to_regclass('sqitch.changes') is not null
                  from pg_database d, pg_roles r where d.datname = current_database() and r.rolname = current_user;
                """
            ).first ?? []
        guard row.count == 7, let version = Int(row[0]) else {
            throw SetupFailure("psql has not printed what was asked", advice: "look whether psql is PostgreSQL's own")
        }
        return Facts(
            version: version, encoding: row[1], mayCreate: row[2] == "t", mayCreateRoles: row[3] == "t",
            hasResponder: row[4] == "t", isStandby: row[5] == "t", hasRegistry: row[6] == "t")
    }

    /// Changes that are deployed; none where there is no registry.
    func deployedChanges() throws(SetupFailure) -> [String] {
        guard try facts().hasRegistry else { return [] }
        return try rows("select change from sqitch.changes where project = 'novatune' order by committed_at;")
            .compactMap(\.first)
    }

    /// The role that the responder logs in as.
    static let responder = "novatune_responder"

    /// Sessions of the responder's role, by whatever responder.
    func responderSessions() throws(SetupFailure) -> Int {
        let row = try rows("select count(*) from pg_stat_activity where usename = '\(Self.responder)';").first
        return row?.first.flatMap { Int($0) } ?? 0
    }

    /// - Parameter verifier: SCRAM's, which has no quote inside.
    func setPassword(verifier: String) throws(SetupFailure) {
        _ = try rows("alter role \(Self.responder) password '\(verifier)';")
    }

    func create() throws(SetupFailure) {
        let quoted = name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        _ = try rows("create database \"\(quoted)\" encoding 'UTF8' template template0;", in: "postgres")
    }

    /// Runs sqitch in its project's directory.
    func sqitch(_ arguments: [String], project: String) throws(SetupFailure) -> String {
        var environment = variables
        environment["PGDATABASE"] = name
        environment["SQITCH_FULLNAME"] = "novatune-streamd setup"
        environment["SQITCH_EMAIL"] = "root@localhost"
        // A change that waits for a lock makes requests wait behind it (sql/README.md, "Online").
        environment["PGOPTIONS"] = "-c lock_timeout=2s"
        let target = "db:pg:" + Self.encoded(name)
        return try runner.run(
            ExternalCommand(
                program: "sqitch", arguments: ["--chdir", project] + arguments + [target], environment: environment,
                account: account, timeout: .seconds(600)),
            advice: "mend what it names, then run setup again: what is deployed stays, and it goes on from there")
    }

    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (0x30...0x39).contains(byte)
                || [0x2d, 0x5f].contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }
}
