import StreamIssuing

/// A login without a password: PostgreSQL of this machine knows the account. Its two files are its administrator's, so
/// setup prints the lines and does not write them.
struct PeerStep: SetupStep {
    let context: SetupContext
    let owner: OwnerDatabase
    let title = "database login"

    func describe() -> String { "prints the lines that let the account \(context.paths.account) in (peer)" }

    func isDone() throws(SetupFailure) -> Bool {
        context.databaseURL = nil
        guard isOnThisMachine, SetupFiles.hasAccount(context.paths.account), try logsIn() else { return false }
        let url = ResponderAddress.url(owner, password: nil)
        if context.answers["NOVATUNE_DATABASE_URL"] != url.exposeSecret() { context.databaseURL = url }
        return true
    }

    func apply() throws(SetupFailure) -> String {
        guard isOnThisMachine else {
            throw SetupFailure(
                "SETUP_DATABASE_LOGIN=peer is for PostgreSQL on this machine, by its socket, and SETUP_DATABASE_OWNER_URL names a host",
                advice: "write the URL without a host, such as postgresql:///novatune, or SETUP_DATABASE_LOGIN=password"
            )
        }
        let (account, role) = (context.paths.account, OwnerDatabase.responder)
        let files = try owner.rows("select current_setting('hba_file'), current_setting('ident_file');").first ?? []
        let (access, identities) = (files.first ?? "pg_hba.conf", files.last ?? "pg_ident.conf")
        throw SetupFailure(
            "PostgreSQL does not let the account \(account) log in as \(role)",
            advice: """
                add the line 'local \(owner.name) \(role) peer map=novatune' before the other lines of \(access), \
                and 'novatune \(account) \(role)' to \(identities); then 'select pg_reload_conf()' as a superuser, and run \
                setup again
                """)
    }

    private var isOnThisMachine: Bool {
        owner["hostaddr"] == nil && (owner["host"] ?? "/").hasPrefix("/")
    }

    private func logsIn() throws(SetupFailure) -> Bool {
        let host = owner["host"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/var/run/postgresql"
        var variables = ["PGHOST": host, "PGUSER": OwnerDatabase.responder, "PGDATABASE": owner.name]
        if let port = owner["port"] { variables["PGPORT"] = port }
        let output = try context.runner.output(
            ExternalCommand(
                program: "psql", arguments: ["--no-psqlrc", "--no-password", "--quiet", "--command=select 1"],
                environment: variables, account: context.paths.account))
        return output.status == 0
    }
}
