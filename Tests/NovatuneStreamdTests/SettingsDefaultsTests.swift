import Glibc
import BearerTokens
import Cryptography
import FastCGI
import Logging
@testable import novatune_streamd
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing
import Testing

@Suite struct SettingsDefaultsTests {
    @Test func leastSettingsGetTheDocumentedDefaults() throws {
        let settings = try Environments.read(Environments.least)
        #expect(settings.listen == .unix(path: "/run/novatune/stream.sock"))
        #expect(settings.gateListen == .unix(path: "/run/novatune/gate.sock"))
        #expect(settings.loops == Settings.defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #expect(settings.database.url == "postgresql:///novatune")
        #expect(settings.database.timeout == .seconds(2))
        #expect(settings.cache.url == .memory(.init()))
        #expect(settings.cache.prefix == "stream")
        #expect(settings.cache.timeout == .milliseconds(500))
        #expect(settings.cacheTTLBuffer == .seconds(30))
        #expect(settings.claims == .init(issuer: "https://id.example.com", audience: "novatune-stream", leeway: .zero))
        #expect(settings.logLevel == .info)
        #expect(settings.traces?.endpoint == nil)
        let secrets = try Environments.readSecrets(Environments.least)
        #expect(secrets.keyRing.current == "v1" && secrets.keySet.keys.map(\.description) == ["HS256"])
    }

    @Test func leastSettingsGetTheDocumentedDefaultsOfTheObjectStore() throws {
        let store = try Environments.read(Environments.least).s3
        #expect(store.endpoint == Endpoint("http://127.0.0.1:9000") && store.publicEndpoint == store.endpoint)
        #expect(store.region == "eu-central-1" && store.bucket == "audio" && store.addressing == .path)
        #expect(
            try Environments.readSecrets(Environments.least).storeCredentials == Credentials(accessKeyID: "id", secretAccessKey: "secret"))
        #expect(store.presignExpiry == .seconds(120) && store.timeout == .seconds(5) && store.verification == .object)
    }

    @Test func everySettingIsTaken() throws {
        let settings = try Environments.read(
            Environments.least(with: [
                "NOVATUNE_LISTEN": "127.0.0.1:9000", "NOVATUNE_GATE_LISTEN": "unix:/tmp/g", "NOVATUNE_LOOPS": "16",
                "NOVATUNE_DATABASE_TIMEOUT": "500ms",
                "NOVATUNE_CACHE_URL": "redis://cache:1/2", "NOVATUNE_CACHE_PREFIX": "p", "NOVATUNE_CACHE_TIMEOUT": "1s",
                "NOVATUNE_PRESIGN_EXPIRY": "00:05:00", "NOVATUNE_CACHE_TTL_BUFFER": "1m",
                "NOVATUNE_S3_ENDPOINT": "http://s3.internal:9000", "NOVATUNE_S3_PUBLIC_ENDPOINT": "https://media.example.com",
                "NOVATUNE_S3_ADDRESSING": "virtual", "NOVATUNE_S3_SESSION_TOKEN": "t", "NOVATUNE_S3_TIMEOUT": "2s",
                "NOVATUNE_S3_VERIFY": "none",
                "NOVATUNE_JWT_LEEWAY": "5s", "NOVATUNE_LOG_LEVEL": "debug", "NOVATUNE_BREAKER_OPEN": "10s",
                "NOVATUNE_BREAKER_FAILURES": "3", "NOVATUNE_REQUEST_TIMEOUT": "4s", "NOVATUNE_QUEUE_TIMEOUT": "250ms",
                "NOVATUNE_OTLP_ENDPOINT": "http://localhost",
            ]))
        #expect(settings.listen == .tcp(host: "127.0.0.1", port: 9000) && settings.gateListen == .unix(path: "/tmp/g"))
        #expect(settings.loops == 16 && settings.database.timeout == .milliseconds(500))
        #expect(
            settings.cache.url == (try CacheURL("redis://cache:1/2")) && settings.cache.prefix == "p"
                && settings.cache.timeout == .seconds(1))
        #expect(settings.s3.presignExpiry == .seconds(300) && settings.cacheTTLBuffer == .seconds(60))
        #expect(
            settings.s3.publicEndpoint == Endpoint("https://media.example.com")
                && settings.s3.endpoint == Endpoint("http://s3.internal:9000"))
        #expect(settings.s3.addressing == .virtual)
        #expect(settings.s3.timeout == .seconds(2) && settings.s3.verification == .none)
        #expect(settings.claims.leeway == .seconds(5) && settings.logLevel == .debug)
        #expect(settings.breakerOpen == .seconds(10) && settings.breakerFailures == 3)
        #expect(settings.requestTimeout == .seconds(4) && settings.queueTimeout == .milliseconds(250))
        #expect(settings.traces?.endpoint == "http://localhost" && settings.traces?.sampleRatio == 0.01)
    }

    @Test func emptyValueIsLikeNone() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_LOOPS": "", "NOVATUNE_CACHE_URL": "", "NOVATUNE_DATABASE_URL_FILE": ""]))
        #expect(
            settings.loops == Settings.defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))) && settings.cache.url == .memory(.init()))
        #expect(Environments.complaints(Environments.least(with: ["NOVATUNE_S3_REGION": ""])) == ["NOVATUNE_S3_REGION is required"])
    }

    @Test func otherProgramsVariablesAreIgnored() throws {
        _ = try Environments.read(
            Environments.least(with: ["PATH": "/bin", "novatune_x": "1", "NOVATUNE_RATE_LIMIT_PER_MINUTE": "60", "NOVATUNE_NGINX_X": "1"]))
    }

    @Test func oneLoopServesUpToFourCores() {
        #expect([1, 2, 4, 5, 64].map { Settings.defaultLoops(cores: $0) } == [1, 1, 1, 2, 2])
    }

    @Test func settingOfAnEarlierVersionSaysWhatToDo() {
        let complaints = Environments.complaints(Environments.least(with: ["NOVATUNE_WORKERS": "8"]))
        #expect(complaints.count == 1 && complaints.first?.contains("remove it") == true)
    }
}
