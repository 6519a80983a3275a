import FastCGI
import Logging
import Observability
import OperatorSettings
import PostgreSQLTrackStore
import S3ObjectStore
import SigV4

/// What `novatune-streamd revoke` needs: its own role of the database, its own user of the store.
struct RevocationSettings {
    let listen: SocketAddress
    let workers: Int
    let poll: Duration
    let database: DatabaseSettings
    let s3: S3Settings
    let credentials: Credentials
    let logLevel: Logger.Level
    /// Files that must be read again when they change.
    let watchedPaths: [String]
}

extension SettingsReader {
    /// The settings of `revoke`, and no more: it has neither the tokens' nor the cache's keys.
    static func readRevocation(
        _ source: SettingsSource, inherited: [String: SocketAddress]
    ) throws(SettingsError) -> RevocationSettings {
        let needed =
            DatabaseSetting.group.declarations + S3Setting.group.declarations + RevocationSetting.group.declarations
            + LogSetting.group.declarations
        var reader = try SettingsReader(source, about: needed)
        let listen =
            source.text(RevocationSetting.listen) == nil
            ? inherited["revoke"] ?? .unix(path: "/run/novatune/revoke.sock") : reader.value(RevocationSetting.listen)
        let (workers, poll) = (reader.value(RevocationSetting.workers), reader.value(RevocationSetting.poll))
        let (database, s3) = (reader.database(), reader.objectStore(nil))
        let logLevel = reader.value(LogSetting.level)
        let credentials = reader.storeCredentials()?.value
        guard reader.issues.isEmpty, let listen, let workers, let poll, let database, let s3, let credentials,
            let logLevel
        else {
            throw SettingsError(issues: reader.issues, isTemporary: reader.temporaryIssues == reader.issues.count)
        }
        return RevocationSettings(
            listen: listen, workers: workers, poll: poll, database: database, s3: s3, credentials: credentials,
            logLevel: logLevel, watchedPaths: source.watchedPaths)
    }

    /// The name of the bucket alone.
    static func readBucket(_ source: SettingsSource) throws(SettingsError) -> String {
        var reader = try SettingsReader(source, about: [S3Setting.bucket.declaration])
        guard let bucket = reader.value(S3Setting.bucket), reader.issues.isEmpty else {
            throw SettingsError(issues: reader.issues)
        }
        return bucket
    }
}
