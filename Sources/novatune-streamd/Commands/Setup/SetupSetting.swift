import OperatorSettings
import PostgreSQLTrackStore
import StreamIssuing

/// What setup needs to know beside the settings of the service and of nginx.
enum SetupSetting {
    enum Login: String, CaseIterable {
        case password, peer
    }

    enum DefaultSite: String, CaseIterable {
        case keep, remove
    }

    static let ownerURL = Setting<SecretText>(
        "SETUP_DATABASE_OWNER_URL", shownDefault: "none: the schema is there, and NOVATUNE_DATABASE_URL is given",
        handling: .secret,
        "the database as the role that owns the schema: libpq URI or keywords. Only setup uses it, and no file keeps it"
    ) { (text) throws(InvalidValue) in try DatabaseSetting.url.value(text) }
    static let ownerAccount = Setting.text(
        "SETUP_DATABASE_OWNER_ACCOUNT", shownDefault: "that of the role, where the URL names neither host nor password",
        "the account of this machine that PostgreSQL knows as the owner (peer), such as postgres")
    static let login = Setting.choice(
        "SETUP_DATABASE_LOGIN", of: Login.allCases, default: .password,
        "how novatune_responder logs in. password: setup makes one; peer: by the account novatune, for PostgreSQL on this "
            + "machine, with two lines that setup prints for pg_hba.conf and pg_ident.conf")
    static let defaultSite = Setting.choice(
        "SETUP_DEFAULT_SITE", of: DefaultSite.allCases, default: .keep,
        "where another site is nginx's default server of the same port. keep: this one answers its own names alone; "
            + "remove: Debian's sites-enabled/default goes, and 'setup --remove' brings it back")

    /// A paragraph for each.
    static let help = group.declarations.map { setting in
        "\n\(setting.fileName.map { "\(setting.name) (or \($0))" } ?? setting.name): \(setting.meaning). "
            + "Default: \(setting.shownDefault)."
    }.joined(separator: "\n")

    static let group = SettingGroup(
        "Setup", [ownerURL.declaration, ownerAccount.declaration, login.declaration, defaultSite.declaration])
}
