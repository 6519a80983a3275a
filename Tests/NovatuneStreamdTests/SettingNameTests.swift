@testable import novatune_streamd
import Testing

@Suite struct SettingNameTests {
    @Test func everyNameOfTheContractIsKnown() {
        let promised = """
            LISTEN GATE_LISTEN LOOPS DATABASE_URL DATABASE_TIMEOUT CACHE_URL CACHE_PREFIX CACHE_TIMEOUT CACHE_KEYS \
            CACHE_KEYS_DIRECTORY CACHE_KEYS_COMMAND CACHE_KEYS_TIMEOUT KMS_KEY_ID KMS_REGION KMS_ENDPOINT KMS_CA_BUNDLE KMS_ACCESS_KEY_ID \
            KMS_SECRET_ACCESS_KEY KMS_SESSION_TOKEN PRESIGN_EXPIRY CACHE_TTL_BUFFER S3_ENDPOINT S3_PUBLIC_ENDPOINT S3_REGION S3_BUCKET S3_ADDRESSING S3_ACCESS_KEY_ID S3_SECRET_ACCESS_KEY \
            S3_SESSION_TOKEN S3_CREDENTIALS S3_TIMEOUT S3_VERIFY JWT_KEYS JWT_HS256_SECRET JWT_ISSUER JWT_AUDIENCE JWT_LEEWAY REQUEST_TIMEOUT QUEUE_TIMEOUT \
            BREAKER_FAILURES BREAKER_OPEN LOG_LEVEL OTLP_ENDPOINT OTLP_SAMPLE_RATIO
            """
        #expect(SettingName.allCases.map(\.rawValue) == promised.split(separator: " ").map { "NOVATUNE_\($0)" })
    }

    @Test func helpNamesEverySettingThatHasAnEffect() {
        for name in SettingName.allCases {
            #expect(SettingName.allHelp.contains("\(name.rawValue)"))
            #expect(!name.help.isEmpty && !name.defaultHelp.isEmpty)
        }
    }

    @Test func secretsMayComeFromFiles() {
        let names = SettingName.allCases.filter(\.mayComeFromFile).map(\.rawValue)
        for secret in [
            "DATABASE_URL", "CACHE_URL", "CACHE_KEYS", "S3_SECRET_ACCESS_KEY", "S3_SESSION_TOKEN", "JWT_KEYS", "JWT_HS256_SECRET",
        ] {
            #expect(names.contains("NOVATUNE_\(secret)"))
        }
    }
}
