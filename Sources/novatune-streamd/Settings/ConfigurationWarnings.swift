import Cryptography
import Glibc
import HTTPClient
import KeyManagement
import OperatorSettings
import RequestTraces
import S3ObjectStore
import SealedCache
import SigV4

/// Warnings about settings that are valid and unwise.
enum ConfigurationWarnings {
    struct Warning: Equatable {
        let subject: String
        let advice: String
    }

    /// A person who finds a URL may use it until its end; the default is what players need.
    private static let longestWiseExpiry: Duration = .seconds(120)

    static func warnings(_ settings: Settings, _ source: SettingsSource) -> [Warning] {
        var warnings = secretPaths(settings, source).compactMap { subject, path in readableByOthers(subject, path) }
        // A store that only this machine reaches is not in production.
        if !settings.s3.publicEndpoint.isLoopback {
            if settings.s3.publicEndpoint.scheme == .http {
                warnings.append(
                    Warning(
                        subject: source.text(S3Setting.publicEndpoint) == nil
                            ? S3Setting.endpoint.name : S3Setting.publicEndpoint.name,
                        advice: "http: an attacker between player and store can read URLs and audio; use https"))
            }
            if settings.s3.presignExpiry > longestWiseExpiry {
                warnings.append(
                    Warning(
                        subject: S3Setting.presignExpiry.name,
                        advice:
                            "over 120s: a URL that gets into wrong hands opens its track for as long; players ask again when they need to"
                    ))
            }
        }
        if settings.s3.users == .signed, settings.s3.signingWindow != nil {
            warnings.append(
                Warning(
                    subject: S3Setting.presignWindow.name,
                    advice:
                        "with \(S3Setting.presignUser.name)=signed each user has URLs of their own: browsers keep the audio, and a CDN shares none of it"
                ))
        }
        warnings += source.traceVariables.issues.map { Warning(subject: $0.name, advice: $0.reason) }
        if !SymmetricKey.isMemoryLocked {
            warnings.append(Warning(subject: "memory", advice: ProcessMemory.lockingAdvice))
        }
        return warnings
    }

    private static func secretPaths(_ settings: Settings, _ source: SettingsSource) -> [(subject: String, path: String)]
    {
        var paths = source.namedFiles.map { (subject: $0.setting, path: $0.path) }
        if let key = settings.s3.files.clientKey ?? settings.s3.files.clientCertificate {
            let setting = settings.s3.files.clientKey == nil ? S3Setting.clientCertificate : S3Setting.clientKey
            paths.append((subject: setting.name, path: key))
        }
        if let config = source.configPath { paths.append((subject: "--config", path: config)) }
        if let key = source.text(CacheSetting.clientKey) { paths.append((CacheSetting.clientKey.name, key)) }
        for path in settings.keyRingSource.watchedPaths where !paths.contains(where: { $0.path == path }) {
            paths += KeyDirectoryListing.files(path).map { (subject: KeySetting.directory.name, path: $0) }
        }
        return paths
    }

    private static func readableByOthers(_ subject: String, _ path: String) -> Warning? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o004 != 0 else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        return Warning(
            subject: subject,
            advice: "\(path) may be read by every user of this machine (mode \(mode)); chmod o= \(path)")
    }
}
