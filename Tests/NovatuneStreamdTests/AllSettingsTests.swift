import Foundation
@testable import novatune_streamd
import OperatorSettings
import Testing

@Suite struct AllSettingsTests {
    private static let names = AllSettings.declarations.map(\.name)

    @Test func everySettingOfTheContractIsDeclared() {
        let promised = """
            LISTEN GATE_LISTEN LOOPS DATABASE_URL DATABASE_TIMEOUT DATABASE_STATEMENTS DATABASE_REPLICA_LAG \
            DATABASE_SUBSCRIBER_URL CACHE_URL CACHE_PREFIX CACHE_TIMEOUT CACHE_COPIES CACHE_CA_FILE CACHE_CLIENT_CERTIFICATE_FILE CACHE_CLIENT_KEY_FILE CACHE_KEYS CACHE_KEYS_DIRECTORY \
            CACHE_KEYS_COMMAND CACHE_KEYS_TIMEOUT KMS_KEY_ID KMS_REGION KMS_ENDPOINT KMS_CA_BUNDLE KMS_ACCESS_KEY_ID \
            KMS_SECRET_ACCESS_KEY KMS_SESSION_TOKEN PRESIGN_EXPIRY PRESIGN_WINDOW CACHE_TTL_BUFFER S3_ENDPOINT S3_PUBLIC_ENDPOINT S3_REGION S3_BUCKET \
            S3_ADDRESSING S3_ENDPOINT_PATH S3_CA_FILE S3_CLIENT_CERTIFICATE_FILE S3_CLIENT_KEY_FILE S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY S3_SESSION_TOKEN S3_CREDENTIALS S3_CREDENTIALS_COMMAND S3_CREDENTIALS_SOURCE S3_TIMEOUT S3_VERIFY JWT_KEYS \
            JWT_KEYS_URL JWT_DISCOVERY JWT_KEYS_CA_FILE STATE_DIRECTORY JWT_HS256_SECRET JWT_ALGORITHMS JWT_ISSUER JWT_AUDIENCE JWT_CLIENTS JWT_USER_CLAIM JWT_ROLES_CLAIM JWT_LISTENER_ROLE JWT_PROVIDERS JWT_LEEWAY REQUEST_TIMEOUT QUEUE_TIMEOUT BREAKER_FAILURES BREAKER_OPEN LOG_LEVEL \
            OTLP_ENDPOINT OTLP_SAMPLE_RATIO REVOKE_LISTEN REVOKE_WORKERS REVOKE_POLL PRESIGN_USER \
            AUTHORIZE_LISTEN AUTHORIZE_WEBHOOK AUTHORIZE_TOKEN AUTHORIZE_SIGNER AUTHORIZE_ACCOUNTS AUTHORIZE_POLL AUTHORIZE_MAX_AGE
            """
        let difference = Set(Self.names).symmetricDifference(promised.split(separator: " ").map { "NOVATUNE_\($0)" })
        #expect(difference.isEmpty, "declare it, or list it above; a setting that goes stops services that have it set")
        #expect(Set(Self.names).count == Self.names.count, "every setting is declared once")
    }

    @Test func secretsMayComeFromFiles() {
        let files = AllSettings.declarations.compactMap(\.fileName)
        for secret in [
            "DATABASE_URL", "DATABASE_SUBSCRIBER_URL", "CACHE_URL", "CACHE_KEYS", "S3_SECRET_ACCESS_KEY",
            "S3_SESSION_TOKEN", "JWT_KEYS", "JWT_HS256_SECRET", "JWT_PROVIDERS",
        ] {
            #expect(files.contains("NOVATUNE_\(secret)_FILE"))
        }
    }

    /// The least that an operator sees of a setting.
    @Test(arguments: AllSettings.declarations.map(\.name))
    func everyFormNamesTheSetting(_ name: String) throws {
        let setting = try #require(AllSettings.declarations.first { $0.name == name })
        #expect(!setting.meaning.isEmpty && !setting.shownDefault.isEmpty)
        for text in [
            SettingsText.help(AllSettings.groups), SettingsText.markdown(AllSettings.groups),
            SettingsText.example(AllSettings.groups), SettingsText.template(AllSettings.groups),
            SettingsText.json(AllSettings.groups),
        ] {
            #expect(text.contains(name))
        }
    }

    /// Filled in, the example is a file of settings.
    @Test func exampleHasAnEmptyLineForEachRequiredSetting() throws {
        let lines = SettingsText.example(AllSettings.groups).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.allSatisfy { $0.hasPrefix("NOVATUNE_") && $0.hasSuffix("=") })
        let required = AllSettings.declarations.filter { $0.presence == .required }
        #expect(lines.count == required.count)
    }

    /// Installed, it changes nothing until an operator edits it.
    @Test func templateHasEachFormOfEachNameAsAComment() {
        let lines = SettingsText.template(AllSettings.groups).split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("#") })
        let names = AllSettings.declarations.flatMap { [$0.name, $0.fileName].compactMap { $0 } }
        #expect(lines.filter { $0.hasPrefix("#NOVATUNE_") } == names.map { "#\($0)=" })
        #expect(lines.allSatisfy { $0.count <= 120 || !$0.dropFirst(2).contains(" ") })
    }

    @Test func jsonHasWhatIsDeclared() throws {
        struct Group: Decodable {
            let title: String
            let settings: [Entry]
        }
        struct Entry: Decodable {
            let name, `default`, meaning: String
            let fileName, allowed: String?
            let isRequired, isSecret, isDocument, isReloadable: Bool
        }
        let groups = try JSONDecoder().decode([Group].self, from: Data(SettingsText.json(AllSettings.groups).utf8))
        #expect(groups.map(\.title) == AllSettings.groups.map(\.title))
        let entries = groups.flatMap(\.settings)
        #expect(entries.map(\.name) == Self.names)
        for (entry, setting) in zip(entries, AllSettings.declarations) {
            #expect(entry.default == setting.shownDefault && entry.meaning == setting.meaning)
            #expect(entry.fileName == setting.fileName && entry.allowed == setting.allowed)
            #expect(entry.isRequired == (setting.presence == .required) && entry.isSecret == setting.isSecret)
            #expect(entry.isDocument == setting.isDocument && entry.isReloadable == setting.isReloadable)
        }
    }
}
