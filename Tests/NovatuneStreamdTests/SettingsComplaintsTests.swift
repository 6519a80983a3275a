@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SettingsComplaintsTests {
    @Test func nothingSetNamesEverythingThatIsRequiredAtOnce() {
        #expect(
            Environments.complaints([:]) == [
                "NOVATUNE_DATABASE_URL or NOVATUNE_DATABASE_URL_FILE is required",
                "NOVATUNE_S3_ENDPOINT is required", "NOVATUNE_S3_REGION is required", "NOVATUNE_S3_BUCKET is required",
                "NOVATUNE_S3_ACCESS_KEY_ID or NOVATUNE_S3_ACCESS_KEY_ID_FILE is required",
                "NOVATUNE_S3_SECRET_ACCESS_KEY or NOVATUNE_S3_SECRET_ACCESS_KEY_FILE is required",
                "NOVATUNE_JWT_KEYS_FILE or NOVATUNE_JWT_HS256_SECRET is required",
                "NOVATUNE_CACHE_KEYS_FILE, NOVATUNE_CACHE_KEYS_DIRECTORY or NOVATUNE_CACHE_KEYS_COMMAND is required",
                "NOVATUNE_JWT_ISSUER is required",
                "NOVATUNE_JWT_AUDIENCE is required",
            ])
    }

    @Test(arguments: Environments.least.keys.sorted())
    func eachRequiredSettingIsMissedAlone(_ name: String) {
        let complaints = Environments.complaints(Environments.least(with: [name: nil]))
        #expect(complaints.count == 1 && complaints[0].contains(name) && complaints[0].hasSuffix("is required"))
    }

    @Test(
        arguments: [
            Row("NOVATUNE_LISTEN", ["x", "unix:relative", "127.0.0.1", "127.0.0.1:0"]),
            Row("NOVATUNE_GATE_LISTEN", ["x", "unix:/run/novatune/stream.sock"]),
            Row("NOVATUNE_LOOPS", ["0", "-1", "17", "x", "8.5", "99999999999999999999"]),
            Row("NOVATUNE_DATABASE_TIMEOUT", ["2", "0s", "9ms", "61s", "x"]),
            Row("NOVATUNE_CACHE_URL", ["http://x", "redis://", "memcached://x"]),
            Row("NOVATUNE_CACHE_PREFIX", ["a:b", "a b", "é", "a\n", String(repeating: "a", count: 65)]),
            Row("NOVATUNE_CACHE_TIMEOUT", ["1ms", "2h", "x"]),
            Row("NOVATUNE_CACHE_KEYS", ["x", "{}", #"{"current":"v1","keys":{"v1":"AQ=="}}"#]),
            Row("NOVATUNE_PRESIGN_EXPIRY", ["0s", "500ms", "604801s", "8d", "x", "120"]),
            Row("NOVATUNE_CACHE_TTL_BUFFER", ["x", "8d", "-1s"]),
            Row("NOVATUNE_S3_ENDPOINT", ["x", "ftp://h", "http://h/p", "http://u:p@h"]),
            Row("NOVATUNE_S3_PUBLIC_ENDPOINT", ["x", "https://h/p"]),
            Row("NOVATUNE_S3_REGION", ["a b", "a/b", "é", String(repeating: "a", count: 65)]),
            Row("NOVATUNE_S3_BUCKET", ["ab", "a/b", "a b", String(repeating: "a", count: 64)]),
            Row("NOVATUNE_S3_ADDRESSING", ["Path", "dns"]),
            Row("NOVATUNE_S3_TIMEOUT", ["x", "5ms", "61s"]), Row("NOVATUNE_S3_VERIFY", ["true", "head"]),
            Row("NOVATUNE_JWT_HS256_SECRET", ["short", String(repeating: "a", count: 31)]),
            Row("NOVATUNE_JWT_LEEWAY", ["x", "301s", "-1s"]),
            Row("NOVATUNE_LOG_LEVEL", ["INFO", "verbose"]), Row("NOVATUNE_BREAKER_FAILURES", ["0", "1001", "x"]),
            Row("NOVATUNE_BREAKER_OPEN", ["99ms", "3601s", "x"]),
        ] as [Row<[String]>])
    func badValueIsOneLineThatNamesItsSetting(_ row: Row<[String]>) {
        for value in row.value {
            let complaints = Environments.complaints(Environments.least(with: [row.name: value]))
            #expect(complaints.count == 1, "\(row.name)=\(value): \(complaints)")
            #expect(complaints.allSatisfy { $0.contains(row.name) && !$0.contains("\n") }, "\(row.name)=\(value): \(complaints)")
        }
    }

    @Test func shortSecretBesideAKeySetIsBlamedItself() {
        let keySet = #"{"keys":[{"kid":"a","kty":"oct","alg":"HS256","k":"\#(String(repeating: "A", count: 43))"}]}"#
        let both = Environments.least(with: ["NOVATUNE_JWT_KEYS": keySet, "NOVATUNE_JWT_HS256_SECRET": "short"])
        let complaints = Environments.complaints(both)
        #expect(complaints.count == 1 && complaints[0].hasPrefix("NOVATUNE_JWT_HS256_SECRET: "))
    }

    @Test func dottedBucketUnderVirtualAddressingIsRefusedOverHTTPSOnly() {
        func complaints(_ scheme: String) -> [String] {
            Environments.complaints(
                Environments.least(with: [
                    "NOVATUNE_S3_BUCKET": "a.b", "NOVATUNE_S3_ADDRESSING": "virtual", "NOVATUNE_S3_ENDPOINT": "\(scheme)://s3.example",
                ]))
        }
        #expect(complaints("http") == [])
        #expect(complaints("https").count == 1)
    }

    @Test func allComplaintsComeAtOnce() {
        let complaints = Environments.complaints(
            Environments.least(with: [
                "NOVATUNE_LOOPS": "x", "NOVATUNE_S3_REGION": nil, "NOVATUNE_LOG_LEVEL": "x", "NOVATUNE_TYPO": "1",
                "NOVATUNE_CACHE_KEYS": "{",
            ]))
        #expect(complaints.count == 5)
        for name in ["LOOPS", "S3_REGION", "LOG_LEVEL", "TYPO", "CACHE_KEYS"] {
            #expect(complaints.count { $0.contains("NOVATUNE_\(name)") } == 1)
        }
    }

    @Test(arguments: [
        "NOVATUNE_", "NOVATUNE_LOOP", "NOVATUNE_loops", "NOVATUNE_LOOPS_FILE", "NOVATUNE_LISTEN_FILE", "NOVATUNE_JWT_ISSUER_FILE",
    ])
    func unknownNameIsRefusedByItsName(_ name: String) {
        let complaints = Environments.complaints(Environments.least(with: [name: "canary"]))
        #expect(complaints == ["\(name): no such setting; see 'novatune-streamd serve --help'"])
    }

    @Test(arguments: [Row("120s", "120s"), Row("121s", "120s"), Row("30s", "20s"), Row("1s", "1s"), Row("2m", "00:02:00")])
    func bufferThatIsNotLessThanTheExpiryIsRefused(_ row: Row<String>) {
        let complaints = Environments.complaints(
            Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": row.name, "NOVATUNE_PRESIGN_EXPIRY": row.value]))
        #expect(complaints == ["NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY"])
    }

    @Test func bufferJustBelowTheExpiryIsAccepted() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": "119s", "NOVATUNE_PRESIGN_EXPIRY": "120s"]))
        #expect(settings.cacheTTLBuffer == .seconds(119))
        _ = try Environments.read(Environments.least(with: ["NOVATUNE_CACHE_TTL_BUFFER": "0s", "NOVATUNE_PRESIGN_EXPIRY": "7d"]))
    }

    @Test func defaultBufferWithAShorterExpiryIsRefused() {
        let complaints = Environments.complaints(Environments.least(with: ["NOVATUNE_PRESIGN_EXPIRY": "30s"]))
        #expect(complaints == ["NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY"])
    }

    @Test func expiryWithPartsOfASecondIsRefused() {
        let complaints = Environments.complaints(Environments.least(with: ["NOVATUNE_PRESIGN_EXPIRY": "120500ms"]))
        #expect(complaints == ["NOVATUNE_PRESIGN_EXPIRY: whole seconds only"])
    }
}
