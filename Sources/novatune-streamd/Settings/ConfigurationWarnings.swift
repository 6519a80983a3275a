import Cryptography
import Glibc
import KeyManagement
import S3ObjectStore
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
                        subject: source.values[.s3PublicEndpoint] == nil
                            ? SettingName.s3Endpoint.rawValue : SettingName.s3PublicEndpoint.rawValue,
                        advice: "http: whoever sits between player and store reads URLs and audio; use https"))
            }
            if settings.s3.presignExpiry > longestWiseExpiry {
                warnings.append(
                    Warning(
                        subject: SettingName.presignExpiry.rawValue,
                        advice:
                            "over 120s: a URL that gets into wrong hands opens its track for as long; players ask again when they need to"))
            }
        }
        if !SymmetricKey.isMemoryLocked {
            warnings.append(
                Warning(subject: "memory", advice: "keys are not locked and may be swapped to disk; raise LimitMEMLOCK= (ulimit -l)"))
        }
        return warnings
    }

    private static func secretPaths(_ settings: Settings, _ source: SettingsSource) -> [(subject: String, path: String)] {
        var paths = source.files.sorted { $0.key.rawValue < $1.key.rawValue }.map { (subject: $0.key.fileName, path: $0.value) }
        if let config = source.configPath { paths.append((subject: "--config", path: config)) }
        for path in settings.keyRingSource.watchedPaths where !paths.contains(where: { $0.path == path }) {
            paths += KeyDirectoryListing.files(path).map { (subject: SettingName.cacheKeysDirectory.rawValue, path: $0) }
        }
        return paths
    }

    private static func readableByOthers(_ subject: String, _ path: String) -> Warning? {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o004 != 0 else { return nil }
        let mode = String(status.st_mode & 0o7777, radix: 8)
        return Warning(subject: subject, advice: "\(path) may be read by every user of this machine (mode \(mode)); chmod o= \(path)")
    }
}
