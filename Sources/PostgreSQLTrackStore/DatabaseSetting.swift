public import OperatorSettings
public import StreamIssuing

/// Settings of the database.
public enum DatabaseSetting {
    public static let url = Setting<SecretText>(
        "NOVATUNE_DATABASE_URL", .required, shownDefault: "required", handling: .secret, isReloadable: true,
        "libpq URI or keywords; several hosts allowed; a changed one is for new connections",
        parse: connectionString)
    public static let timeout = Setting.duration(
        "NOVATUNE_DATABASE_TIMEOUT", .milliseconds(10) ... .seconds(60), default: .seconds(2),
        "connecting and the query; tried twice")
    public static let statements = Setting.choice(
        "NOVATUNE_DATABASE_STATEMENTS", of: StatementNaming.allCases, default: .named,
        "named: a session prepares the query once; unnamed: no session keeps anything, for poolers of transactions")
    public static let replicaLag = Setting<ReplicaLagLimit>(
        "NOVATUNE_DATABASE_REPLICA_LAG", default: .off, shownDefault: "off", allowed: "off, or 100ms to 1d",
        "a standby that is further behind its primary answers no request"
    ) { (text) throws(InvalidValue) in
        if text == "off" { return .off }
        let range: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86_400)
        guard let duration = DurationText.parse(text), range.contains(duration) else {
            throw InvalidValue("not off, nor a duration from 100ms to 1d such as 5s")
        }
        return ReplicaLagLimit(maximum: duration)
    }
    public static let subscriberURL = Setting<SecretText>(
        "NOVATUNE_DATABASE_SUBSCRIBER_URL", shownDefault: "NOVATUNE_DATABASE_URL", handling: .secret,
        isReloadable: true,
        "where invalidations are received (LISTEN): the primary, past poolers that pool transactions",
        parse: connectionString)

    public static let group = SettingGroup(
        "Database",
        [
            url.declaration, timeout.declaration, statements.declaration, replicaLag.declaration,
            subscriberURL.declaration,
        ])

    private static let connectionString: @Sendable (String) throws(InvalidValue) -> SecretText = {
        (text) throws(InvalidValue) in
        if let reason = ConnectionStringIssue.reason(text) { throw InvalidValue(reason) }
        return SecretText(text)
    }
}
