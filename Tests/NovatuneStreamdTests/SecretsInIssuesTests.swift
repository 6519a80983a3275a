import OperatorSettings
import Cryptography
@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SecretsInIssuesTests {
    /// Values that are wrong, or stand beside something wrong, in every way that a secret can.
    @Test(
        arguments: [
            Row("NOVATUNE_DATABASE_URL", ["postgresql://user:canary@host/db", "host=h password=canary"]),
            Row("NOVATUNE_DATABASE_URL", ["jdbc:canary", "postgresql+canary://h", "postgresql://h/d?canary=canary"]),
            Row("NOVATUNE_DATABASE_SUBSCRIBER_URL", ["postgresql://user:canary@host/db?schema=canary"]),
            Row(
                "NOVATUNE_CACHE_URL",
                ["redis://user:canary@host:x/0", "redis://user:canary@/0", "rediss://:canary@host", "canary"]),
            Row(
                "NOVATUNE_CACHE_KEYS",
                [
                    "canary", #"{"current":"v1","keys":{"v1":"canary"}}"#, #"{"current":"canary","keys":{"v1":"x"}}"#,
                    #"{"canary":1}"#,
                    #"{"current":"v1","keys":{"v1":"Y2FuYXJ5"}}"#,
                ]),
            Row("NOVATUNE_S3_ACCESS_KEY_ID", ["canary"]), Row("NOVATUNE_S3_SECRET_ACCESS_KEY", ["canary"]),
            Row("NOVATUNE_S3_SESSION_TOKEN", ["canary"]),
            Row("NOVATUNE_CACHE_KEYS_FILE", [#"{"current":"canary"}"#, "canary/canary="]),
            Row("NOVATUNE_CACHE_KEYS_DIRECTORY", ["canary/x"]),
            Row("NOVATUNE_JWT_HS256_SECRET_FILE", ["canary", "/canary", "/canary/x"]),
            Row("NOVATUNE_S3_SECRET_ACCESS_KEY_FILE", ["canary"]),
            Row("NOVATUNE_S3_CREDENTIALS_FILE", [#"{"SecretAccessKey":"canary"}"#]),
            Row("NOVATUNE_S3_ENDPOINT", ["https://user:canary@host"]), Row("NOVATUNE_JWT_HS256_SECRET", ["canary"]),
            Row(
                "NOVATUNE_JWT_KEYS",
                [
                    "canary", #"{"keys":[{"kid":"a","kty":"oct","alg":"HS256","k":"canary"}]}"#,
                    #"{"keys":[{"kid":"a","kty":"canary","alg":"HS256"}]}"#,
                    #"{"keys":[{"kid":"a","kty":"RSA","alg":"RS256","n":"canary","e":"AQAB","d":"canary"}]}"#,
                    #"{"keys":["canary"]}"#,
                ]),
        ] as [Row<[String]>])
    func noIssueContainsAValue(_ row: Row<[String]>) {
        for value in row.value {
            let issues = Environments.issues(
                Environments.least(with: [row.name: value, "NOVATUNE_LOOPS": "x", "NOVATUNE_JWT_ISSUER": nil]))
            #expect(issues.count >= 2)
            #expect(!issues.joined().contains("canary") && !issues.joined().contains("Y2Fu"), "\(row.name)=\(value)")
        }
    }

    @Test func noDescriptionOfValidSettingsContainsASecret() throws {
        let environment = Environments.least(with: [
            "NOVATUNE_CACHE_URL": "redis://user:canary@host", "NOVATUNE_S3_SECRET_ACCESS_KEY": "canary",
            "NOVATUNE_DATABASE_URL": "postgresql://u:canary@h/d", "NOVATUNE_S3_SESSION_TOKEN": "canary",
            "NOVATUNE_JWT_HS256_SECRET": "canary-canary-canary-canary-canary", "NOVATUNE_KMS_KEY_ID": "alias/k",
            "NOVATUNE_KMS_ACCESS_KEY_ID": "canary", "NOVATUNE_KMS_SECRET_ACCESS_KEY": "canary",
            "NOVATUNE_CACHE_KEYS": nil,
            "NOVATUNE_CACHE_KEYS_COMMAND":
                #"["/bin/echo","{\"current\":\"v1\",\"keys\":{\"v1\":\"Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE=\"}}"]"#,
        ])
        let (settings, secrets) = (try Environments.read(environment), try Environments.readSecrets(environment))
        #expect(secrets.keyRing.current == "v1")
        var dumped = ""
        dump(settings, to: &dumped)
        dump(secrets, to: &dumped)
        dump(SettingsSource(environment: environment, configPath: nil), to: &dumped)
        for text in [
            "\(settings.cache.url)", "\(settings.s3)", "\(secrets)", "\(settings.keyRingSource)", "\(settings)", dumped,
        ] {
            #expect(!text.contains("canary") && !text.contains("Y2Fu"))
        }
    }
}
