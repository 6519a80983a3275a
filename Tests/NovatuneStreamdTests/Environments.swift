import OperatorSettings
import FastCGI
@testable import novatune_streamd

/// Environments for tests: the least that is accepted, changed.
enum Environments {
    static let keyRing = #"{"current":"v1","keys":{"v1":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="}}"#

    static let least = [
        "NOVATUNE_DATABASE_URL": "postgresql:///novatune", "NOVATUNE_CACHE_KEYS": keyRing,
        "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:9000",
        "NOVATUNE_S3_REGION": "eu-central-1", "NOVATUNE_S3_BUCKET": "audio", "NOVATUNE_S3_ACCESS_KEY_ID": "id",
        "NOVATUNE_S3_SECRET_ACCESS_KEY": "secret", "NOVATUNE_JWT_HS256_SECRET": "0123456789abcdef0123456789abcdef",
        "NOVATUNE_JWT_ISSUER": "https://id.example.com", "NOVATUNE_JWT_AUDIENCE": "novatune-stream",
    ]

    /// `least` with some names set, or removed where the value is nil.
    static func least(with changes: KeyValuePairs<String, String?>) -> [String: String] {
        changes.reduce(into: least) { environment, change in environment[change.key] = change.value }
    }

    static func read(
        _ environment: [String: String], config: String? = nil, inherited: [String: SocketAddress] = [:]
    ) throws(SettingsError) -> Settings {
        try SettingsReader.read(SettingsSource(environment: environment, configPath: config), inherited: inherited)
            .settings
    }

    static func readSecrets(_ environment: [String: String]) throws(SettingsError) -> Secrets {
        try SettingsReader.read(SettingsSource(environment: environment, configPath: nil), inherited: [:]).secrets
    }

    static func issues(
        _ environment: [String: String], config: String? = nil, inherited: [String: SocketAddress] = [:]
    ) -> [String] {
        do {
            _ = try read(environment, config: config, inherited: inherited)
            return []
        } catch {
            return error.issues.map(\.description)
        }
    }
}
