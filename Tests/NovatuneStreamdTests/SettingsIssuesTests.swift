import OperatorSettings
import S3ObjectStore
import SigV4
@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SettingsIssuesTests {
    @Test func emptyEnvironmentNamesEveryRequiredSetting() {
        #expect(
            Environments.issues([:]) == [
                "NOVATUNE_DATABASE_URL or NOVATUNE_DATABASE_URL_FILE is required",
                "NOVATUNE_S3_ENDPOINT is required", "NOVATUNE_S3_REGION is required", "NOVATUNE_S3_BUCKET is required",
                "NOVATUNE_S3_ACCESS_KEY_ID or NOVATUNE_S3_ACCESS_KEY_ID_FILE is required",
                "NOVATUNE_S3_SECRET_ACCESS_KEY or NOVATUNE_S3_SECRET_ACCESS_KEY_FILE is required",
                "NOVATUNE_JWT_ISSUER is required",
                "NOVATUNE_JWT_AUDIENCE or NOVATUNE_JWT_CLIENTS is required",
                "NOVATUNE_JWT_DISCOVERY=on, NOVATUNE_JWT_KEYS_URL, NOVATUNE_JWT_KEYS_FILE or "
                    + "NOVATUNE_JWT_HS256_SECRET is required",
                "NOVATUNE_CACHE_KEYS_FILE, NOVATUNE_CACHE_KEYS_DIRECTORY or NOVATUNE_CACHE_KEYS_COMMAND is required",
            ])
    }

    @Test(arguments: Environments.least.keys.sorted())
    func eachMissingRequiredSettingIsOneIssue(_ name: String) {
        let issues = Environments.issues(Environments.least(with: [name: nil]))
        #expect(issues.count == 1 && issues[0].contains(name) && issues[0].hasSuffix("is required"))
    }

    @Test(
        arguments: [
            Row("NOVATUNE_LISTEN", ["x", "unix:relative", "127.0.0.1", "127.0.0.1:0"]),
            Row("NOVATUNE_GATE_LISTEN", ["x", "unix:/run/novatune/stream.sock"]),
            Row("NOVATUNE_LOOPS", ["0", "-1", "17", "x", "8.5", "99999999999999999999"]),
            Row("NOVATUNE_DATABASE_TIMEOUT", ["2", "0s", "9ms", "61s", "x"]),
            Row("NOVATUNE_DATABASE_URL", ["x", "jdbc:postgresql://h/d", "postgresql://h/d?pgbouncer=true"]),
            Row("NOVATUNE_DATABASE_STATEMENTS", ["Named", "none"]),
            Row("NOVATUNE_DATABASE_REPLICA_LAG", ["on", "0s", "99ms", "2d", "5"]),
            Row("NOVATUNE_DATABASE_SUBSCRIBER_URL", ["x", "postgresql+asyncpg://h/d"]),
            Row("NOVATUNE_CACHE_URL", ["http://x", "redis://", "memcached://x"]),
            Row("NOVATUNE_CACHE_PREFIX", ["a:b", "a b", "é", "a\nb", String(repeating: "a", count: 65)]),
            Row("NOVATUNE_CACHE_COPIES", ["-1", "x", "10000001", "1"]),
            Row("NOVATUNE_CACHE_TIMEOUT", ["1ms", "2h", "x"]),
            Row("NOVATUNE_CACHE_KEYS", ["x", "{}", #"{"current":"v1","keys":{"v1":"AQ=="}}"#]),
            Row("NOVATUNE_PRESIGN_EXPIRY", ["0s", "500ms", "604801s", "8d", "x", "120"]),
            Row("NOVATUNE_PRESIGN_WINDOW", ["x", "8d", "-1s", "500ms", "91s"]),
            Row("NOVATUNE_PRESIGN_USER", ["x", "on", "Signed"]),
            Row("NOVATUNE_CACHE_TTL_BUFFER", ["x", "8d", "-1s"]),
            Row("NOVATUNE_S3_ENDPOINT", ["x", "ftp://h", "http://h/a//b", "http://u:p@h"]),
            Row("NOVATUNE_S3_PUBLIC_ENDPOINT", ["x", "https://h/../p"]),
            Row("NOVATUNE_S3_ENDPOINT_PATH", ["Kept", "strip"]),
            Row("NOVATUNE_S3_CREDENTIALS_SOURCE", ["ecs", "file"]),
            Row("NOVATUNE_S3_REGION", ["a b", "a/b", "é", String(repeating: "a", count: 65)]),
            Row(
                "NOVATUNE_S3_BUCKET",
                [
                    "ab", "a/b", "a b", String(repeating: "a", count: 64), ":audio", "t:", "t:a:b", "t/u:audio",
                    "t:-audio",
                ]),
            Row("NOVATUNE_S3_ADDRESSING", ["Path", "dns"]),
            Row("NOVATUNE_S3_TIMEOUT", ["x", "5ms", "61s"]), Row("NOVATUNE_S3_VERIFY", ["true", "head"]),
            Row("NOVATUNE_JWT_HS256_SECRET", ["short", String(repeating: "a", count: 31)]),
            Row("NOVATUNE_JWT_ALGORITHMS", ["RS257", "HS256", "none", "rs256", ","]),
            Row("NOVATUNE_JWT_ISSUER", [",", "a,,b", "a,"]), Row("NOVATUNE_JWT_AUDIENCE", [",", "a, ,b"]),
            Row("NOVATUNE_JWT_CLIENTS", [","]), Row("NOVATUNE_JWT_PROVIDERS", ["x", "[]", "[{}]"]),
            Row("NOVATUNE_JWT_LEEWAY", ["x", "301s", "-1s"]),
            Row("NOVATUNE_LOG_LEVEL", ["INFO", "verbose"]), Row("NOVATUNE_BREAKER_FAILURES", ["0", "1001", "x"]),
            Row("NOVATUNE_BREAKER_OPEN", ["99ms", "3601s", "x"]),
            Row("NOVATUNE_REQUEST_TIMEOUT", ["99ms", "15s", "x"]), Row("NOVATUNE_QUEUE_TIMEOUT", ["9ms", "11s", "x"]),
            Row("NOVATUNE_CACHE_KEYS_TIMEOUT", ["99ms", "13s", "x"]),
            Row("NOVATUNE_OTLP_ENDPOINT", ["x", "ftp://h", "http://h/v1/traces"]),
            Row("NOVATUNE_OTLP_SAMPLE_RATIO", ["-0.1", "1.1", "nan", "x"]),
        ] as [Row<[String]>])
    func badValueIsOneLineThatNamesItsSetting(_ row: Row<[String]>) {
        for value in row.value {
            let issues = Environments.issues(Environments.least(with: [row.name: value]))
            #expect(issues.count == 1, "\(row.name)=\(value): \(issues)")
            #expect(
                issues.allSatisfy { $0.contains(row.name) && !$0.contains("\n") }, "\(row.name)=\(value): \(issues)")
        }
    }

    @Test(arguments: AllSettings.declarations.map(\.name))
    func controlCharacterOrQuotesAreOneLineThatNamesTheSetting(_ name: String) {
        let reasons = [("canary\u{1}canary", "has the control character"), ("'canary'", "stands in quotes")]
        for (value, reason) in reasons {
            let issues = Environments.issues(Environments.least(with: [name: value]))
            #expect(issues.count { $0.hasPrefix("\(name): \(reason)") } == 1, "\(issues)")
            #expect(!issues.joined().contains("canary"))
        }
    }

    @Test(arguments: Environments.least.keys.sorted())
    func valueWithAByteOrderMarkAndLineBreaksAroundItIsAccepted(_ name: String) throws {
        let value = try #require(Environments.least[name])
        let environment = Environments.least(with: [name: "\u{FEFF}\(value)\r\n\n"])
        #expect(Environments.issues(environment) == [])
        #expect(
            try Environments.readSecrets(environment).storeCredentials
                == Environments.readSecrets(Environments.least).storeCredentials)
    }

    @Test func refusedTextOfARequiredSettingIsNotAlsoMissing() {
        for name in Environments.least.keys.sorted() {
            let issues = Environments.issues(Environments.least(with: [name: "a\u{1}"]))
            #expect(issues == ["\(name): has the control character U+0001 inside; remove it"])
        }
    }

    @Test func issueForAShortSecretBesideAKeySetNamesTheSecret() {
        let keySet = #"{"keys":[{"kid":"a","kty":"oct","alg":"HS256","k":"\#(String(repeating: "A", count: 43))"}]}"#
        let both = Environments.least(with: ["NOVATUNE_JWT_KEYS": keySet, "NOVATUNE_JWT_HS256_SECRET": "short"])
        let issues = Environments.issues(both)
        #expect(issues.count == 1 && issues[0].hasPrefix("NOVATUNE_JWT_HS256_SECRET: "))
    }

    @Test func dottedBucketUnderVirtualAddressingIsRefusedOverHTTPSOnly() {
        func issues(_ scheme: String) -> [String] {
            Environments.issues(
                Environments.least(with: [
                    "NOVATUNE_S3_BUCKET": "a.b", "NOVATUNE_S3_ADDRESSING": "virtual",
                    "NOVATUNE_S3_ENDPOINT": "\(scheme)://s3.example",
                ]))
        }
        #expect(issues("http") == [])
        #expect(issues("https").count == 1)
    }

    @Test func allIssuesAreReportedTogether() {
        let issues = Environments.issues(
            Environments.least(with: [
                "NOVATUNE_LOOPS": "x", "NOVATUNE_S3_REGION": nil, "NOVATUNE_LOG_LEVEL": "x", "NOVATUNE_TYPO": "1",
                "NOVATUNE_CACHE_KEYS": "{",
            ]))
        #expect(issues.count == 5)
        for name in ["LOOPS", "S3_REGION", "LOG_LEVEL", "TYPO", "CACHE_KEYS"] {
            #expect(issues.count { $0.contains("NOVATUNE_\(name)") } == 1)
        }
    }

    @Test(arguments: [
        "NOVATUNE_", "NOVATUNE_LOOP", "NOVATUNE_loops", "NOVATUNE_LOOPS_FILE", "NOVATUNE_LISTEN_FILE",
        "NOVATUNE_JWT_ISSUER_FILE",
    ])
    func unknownNameIsRefusedByItsName(_ name: String) {
        let issues = Environments.issues(Environments.least(with: [name: "canary"]))
        #expect(issues == ["\(name): no such setting; see 'novatune-streamd settings'"])
    }

    @Test(arguments: [
        Row("120s", "120s"), Row("121s", "120s"), Row("30s", "20s"), Row("1s", "1s"), Row("2m", "00:02:00"),
    ])
    func bufferThatIsNotLessThanTheExpiryIsRefused(_ row: Row<String>) {
        let issues = Environments.issues(
            Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": row.name, "NOVATUNE_PRESIGN_EXPIRY": row.value]))
        #expect(issues == ["NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY"])
    }

    @Test func bufferJustBelowTheExpiryIsAccepted() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": "119s", "NOVATUNE_PRESIGN_EXPIRY": "120s"]))
        #expect(settings.cacheTTLBuffer == .seconds(119))
        _ = try Environments.read(
            Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": "0s", "NOVATUNE_PRESIGN_EXPIRY": "7d"]))
    }

    @Test func windowThatWouldLeaveAURLInTheBufferIsRefused() {
        let issues = Environments.issues(Environments.least(with: ["NOVATUNE_PRESIGN_WINDOW": "91s"]))
        #expect(
            issues == ["NOVATUNE_PRESIGN_WINDOW must be at most NOVATUNE_PRESIGN_EXPIRY less NOVATUNE_CACHE_TTL_BUFFER"]
        )
    }

    /// A URL leaves the cache with its window.
    @Test func windowIsTakenWithItsBuffer() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_PRESIGN_WINDOW": "60s", "NOVATUNE_PRESIGN_EXPIRY": "5m"]))
        #expect(settings.s3.signingWindow == SigningWindow(length: .seconds(60)))
        #expect(settings.cacheTTLBuffer == .seconds(240))
        let none = try Environments.read(Environments.least(with: ["NOVATUNE_PRESIGN_WINDOW": "0s"]))
        #expect(none.s3.signingWindow == nil && none.cacheTTLBuffer == .seconds(30))
        let credentials = Credentials(accessKeyID: "id", secretAccessKey: "secret")
        #expect(settings.s3.fingerprintText(credentials) != none.s3.fingerprintText(credentials))
    }

    /// URLs without their user are not handed out of the cache once it is on.
    @Test func userOfAURLIsPartOfItsFingerprint() throws {
        let credentials = Credentials(accessKeyID: "id", secretAccessKey: "secret")
        let texts = try [nil, "none", "signed"].map { value in
            try Environments.read(Environments.least(with: ["NOVATUNE_PRESIGN_USER": value])).s3
                .fingerprintText(credentials)
        }
        #expect(texts[0] == texts[1] && texts[1] != texts[2])
    }

    @Test func defaultBufferWithAShorterExpiryIsRefused() {
        let issues = Environments.issues(Environments.least(with: ["NOVATUNE_PRESIGN_EXPIRY": "30s"]))
        #expect(issues == ["NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY"])
    }

    @Test func expiryWithPartsOfASecondIsRefused() {
        let issues = Environments.issues(Environments.least(with: ["NOVATUNE_PRESIGN_EXPIRY": "120500ms"]))
        #expect(issues == ["NOVATUNE_PRESIGN_EXPIRY: whole seconds only"])
    }
}
