import Cryptography
import FastCGI
import KeyManagement
import Logging
import Observability
import OperatorSettings
import PostgreSQLTrackStore
import S3ObjectStore
import StoreAuthorization

/// What `novatune-streamd authorize` needs: its own role of the database, the key ring, and no credentials of the store.
struct AuthorizationSettings {
    let listen: SocketAddress
    let webhook: SocketAddress
    let tokens: WebhookTokens
    let authorizer: StoreAuthorizer
    /// How long URLs live.
    let expiry: Duration
    let poll: Duration
    let maximumAge: Duration
    let database: DatabaseSettings
    let keyRing: KeyRing
    let logLevel: Logger.Level
}

extension SettingsReader {
    private static let ringDeclarations =
        KeySetting.group.declarations + [S3Setting.region.declaration]

    /// The settings of `authorize`, and no more.
    static func readAuthorization(
        _ source: SettingsSource, inherited: [String: SocketAddress]
    ) throws(SettingsError) -> AuthorizationSettings {
        let needed =
            DatabaseSetting.group.declarations + AuthorizationSetting.group.declarations + ringDeclarations
            + [S3Setting.bucket.declaration, S3Setting.presignExpiry.declaration] + LogSetting.group.declarations
        var reader = try SettingsReader(source, about: needed)
        let listen =
            source.text(AuthorizationSetting.listen) == nil
            ? inherited["authorize"] ?? .unix(path: "/run/novatune/authorize.sock")
            : reader.value(AuthorizationSetting.listen)
        let (webhook, tokens) = (reader.value(AuthorizationSetting.webhook), reader.value(AuthorizationSetting.token))
        let (signers, rules) = (reader.value(AuthorizationSetting.signers), reader.value(AuthorizationSetting.accounts))
        if tokens == nil { reader.reportMissing(AuthorizationSetting.token.declaration) }
        if signers == nil { reader.reportMissing(AuthorizationSetting.signers.declaration) }
        let (poll, age) = (reader.value(AuthorizationSetting.poll), reader.value(AuthorizationSetting.maximumAge))
        if let poll, let age, age <= poll * 2 {
            reader.report(
                AuthorizationSetting.maximumAge,
                "NOVATUNE_AUTHORIZE_MAX_AGE must be more than twice NOVATUNE_AUTHORIZE_POLL")
        }
        let (bucket, expiry) = (reader.value(S3Setting.bucket), reader.value(S3Setting.presignExpiry))
        let (database, logLevel) = (reader.database(), reader.value(LogSetting.level))
        if let signers, let rules, rules.contains(where: { signers.contains($0.account) }) {
            reader.report(
                AuthorizationSetting.accounts,
                "NOVATUNE_AUTHORIZE_ACCOUNTS lists an account of NOVATUNE_AUTHORIZE_SIGNER, which may only read the audio"
            )
        }
        let keyRing = reader.ring()
        guard reader.issues.isEmpty, let listen, let webhook, let tokens, let signers, let rules, let poll, let age,
            let bucket, let expiry, let database, let logLevel, let keyRing
        else {
            throw SettingsError(issues: reader.issues, isTemporary: reader.temporaryIssues == reader.issues.count)
        }
        return AuthorizationSettings(
            listen: listen, webhook: webhook, tokens: WebhookTokens(tokens),
            authorizer: StoreAuthorizer(
                signers: Set(signers), rules: rules, bucket: bucket,
                // The responder's own calls live for as long, and are no user's.
                expiry: max(expiry, ObjectURLLifetime.ofOwnCalls)),
            expiry: expiry, poll: poll, maximumAge: age, database: database, keyRing: keyRing, logLevel: logLevel)
    }

    /// The key ring alone.
    static func readKeyRing(_ source: SettingsSource) throws(SettingsError) -> KeyRing {
        var reader = try SettingsReader(source, about: ringDeclarations)
        guard let ring = reader.ring(), reader.issues.isEmpty else {
            throw SettingsError(issues: reader.issues, isTemporary: reader.temporaryIssues == reader.issues.count)
        }
        return ring
    }

    private mutating func ring() -> KeyRing? {
        keyRingSource(credentialsForKMS()).flatMap { source in
            readKeyRing(source) { (source) throws(KeyRingError) in try source.read() }
        }
    }
}
