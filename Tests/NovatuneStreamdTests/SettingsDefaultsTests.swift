import OperatorSettings
import StreamResponder
import Glibc
import BearerTokens
import Cryptography
import FastCGI
import Logging
@testable import novatune_streamd
import PostgreSQLTrackStore
import RequestTraces
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing
import Testing

@Suite struct SettingsDefaultsTests {
    @Test func requiredSettingsAloneGetTheDocumentedDefaults() throws {
        let settings = try Environments.read(Environments.least)
        #expect(settings.responder.listen == .unix(path: "/run/novatune/stream.sock"))
        #expect(settings.responder.gateListen == .unix(path: "/run/novatune/gate.sock"))
        #expect(settings.responder.loops == ResponderSetting.defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        #expect(settings.database.url == "postgresql:///novatune")
        #expect(settings.database.timeout == .seconds(2) && settings.database.access == AccessOptions())
        #expect(settings.database.subscriberURL == nil)
        #expect(settings.cache.url == .memory(.init()))
        #expect(settings.cache.prefix == "stream")
        #expect(settings.cache.timeout == .milliseconds(500))
        #expect(settings.cacheTTLBuffer == .seconds(30))
        #expect(settings.logLevel == .info)
        #expect(settings.traces?.url == nil)
        #expect(settings.responder.requestTimeout == .seconds(10) && settings.responder.queueTimeout == .seconds(2))
        #expect(settings.breaker.failures == 5 && settings.breaker.open == .seconds(30))
        let secrets = try Environments.readSecrets(Environments.least)
        #expect(secrets.keyRing.current == "v1" && secrets.tokens.leeway == .seconds(5))
        let provider = try #require(secrets.tokens.providers.first)
        #expect(secrets.tokens.providers.count == 1 && provider.keys.keys.map(\.description) == ["HS256"])
        #expect(
            provider.requirements
                == ClaimRequirements(issuers: ["https://id.example.com"], audiences: ["novatune-stream"]))
    }

    @Test func requiredSettingsAloneGetTheDefaultsOfTheObjectStore() throws {
        let store = try Environments.read(Environments.least).s3
        #expect(store.endpoint == Endpoint("http://127.0.0.1:9000") && store.publicEndpoint == store.endpoint)
        #expect(store.region == "eu-central-1" && store.bucket == "audio" && store.addressing == .path)
        #expect(
            try Environments.readSecrets(Environments.least).storeCredentials
                == Credentials(accessKeyID: "id", secretAccessKey: "secret"))
        #expect(store.presignExpiry == .seconds(120) && store.timeout == .seconds(5) && store.verification == .object)
    }

    @Test func everySettingIsTaken() throws {
        let settings = try Environments.read(
            Environments.least(with: [
                "NOVATUNE_LISTEN": "127.0.0.1:9000", "NOVATUNE_GATE_LISTEN": "unix:/tmp/g", "NOVATUNE_LOOPS": "16",
                "NOVATUNE_DATABASE_TIMEOUT": "500ms", "NOVATUNE_DATABASE_STATEMENTS": "unnamed",
                "NOVATUNE_DATABASE_REPLICA_LAG": "5s", "NOVATUNE_DATABASE_SUBSCRIBER_URL": "postgresql://primary/d",
                "NOVATUNE_CACHE_URL": "redis://cache:1/2", "NOVATUNE_CACHE_PREFIX": "p", "NOVATUNE_CACHE_TIMEOUT": "1s",
                "NOVATUNE_CACHE_COPIES": "1000",
                "NOVATUNE_PRESIGN_EXPIRY": "00:05:00", "NOVATUNE_CACHE_TTL_BUFFER": "1m",
                "NOVATUNE_S3_ENDPOINT": "http://s3.internal:9000",
                "NOVATUNE_S3_PUBLIC_ENDPOINT": "https://media.example.com",
                "NOVATUNE_S3_ADDRESSING": "virtual", "NOVATUNE_S3_SESSION_TOKEN": "t", "NOVATUNE_S3_TIMEOUT": "2s",
                "NOVATUNE_S3_VERIFY": "none",
                "NOVATUNE_LOG_LEVEL": "debug", "NOVATUNE_BREAKER_OPEN": "10s",
                "NOVATUNE_BREAKER_FAILURES": "3", "NOVATUNE_REQUEST_TIMEOUT": "4s", "NOVATUNE_QUEUE_TIMEOUT": "250ms",
                "NOVATUNE_OTLP_ENDPOINT": "http://localhost",
            ]))
        #expect(
            settings.responder.listen == .tcp(host: "127.0.0.1", port: 9000)
                && settings.responder.gateListen == .unix(path: "/tmp/g"))
        #expect(settings.responder.loops == 16 && settings.database.timeout == .milliseconds(500))
        #expect(
            settings.database.access
                == AccessOptions(statements: .unnamed, replicaLag: ReplicaLagLimit(maximum: .seconds(5))))
        #expect(settings.database.subscriberURL == "postgresql://primary/d")
        #expect(
            settings.cache.url == (try CacheURL("redis://cache:1/2")) && settings.cache.prefix == "p"
                && settings.cache.timeout == .seconds(1) && settings.cacheCopies == 1000)
        #expect(settings.s3.presignExpiry == .seconds(300) && settings.cacheTTLBuffer == .seconds(60))
        #expect(
            settings.s3.publicEndpoint == Endpoint("https://media.example.com")
                && settings.s3.endpoint == Endpoint("http://s3.internal:9000"))
        #expect(settings.s3.addressing == .virtual)
        #expect(settings.s3.timeout == .seconds(2) && settings.s3.verification == .none)
        #expect(settings.logLevel == .debug)
        #expect(settings.breaker.open == .seconds(10) && settings.breaker.failures == 3)
        #expect(
            settings.responder.requestTimeout == .seconds(4) && settings.responder.queueTimeout == .milliseconds(250))
        #expect(
            settings.traces?.url == "http://localhost/v1/traces" && settings.traces?.sampler == Sampler(ratio: 0.01))
    }

    @Test func variablesOfOpenTelemetryStandInForSettingsOfTraces() throws {
        let variables: KeyValuePairs<String, String?> = [
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SERVICE_NAME": "audio",
            "OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.5",
        ]
        let traces = try #require(try Environments.read(Environments.least(with: variables)).traces)
        #expect(traces.url == "http://collector:4318/v1/traces")
        #expect(traces.sampler == Sampler(ratio: 0.5, followsParent: false))
        #expect(traces.attributes == [ResourceAttribute("service.name", "audio")])
        let own = Environments.least(with: variables).merging([
            "NOVATUNE_OTLP_ENDPOINT": "http://own", "NOVATUNE_OTLP_SAMPLE_RATIO": "0.25",
        ]) { $1 }
        let mine = try #require(try Environments.read(own).traces)
        #expect(mine.url == "http://own/v1/traces" && mine.sampler == Sampler(ratio: 0.25))
        // A setting that is wrong is not passed over.
        #expect(Environments.issues(own.merging(["NOVATUNE_OTLP_ENDPOINT": "own"]) { $1 }).count == 1)
    }

    @Test func variableOfOpenTelemetryThatIsWrongIsAWarning() throws {
        let environment = Environments.least(with: ["OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"])
        let source = SettingsSource(environment: environment, configPath: nil)
        let settings = try SettingsReader.read(source, inherited: [:]).settings
        #expect(settings.traces == nil)
        #expect(
            ConfigurationWarnings.warnings(settings, source).filter { $0.subject.hasPrefix("OTEL_") }.map(\.subject)
                == ["OTEL_EXPORTER_OTLP_ENDPOINT"])
    }

    @Test(arguments: [("signed", "60s", 1), ("signed", "0s", 0), ("none", "60s", 0)])
    func windowOfURLsThatDifferByUserIsAWarning(_ user: String, _ window: String, _ count: Int) throws {
        let environment = Environments.least(
            with: ["NOVATUNE_PRESIGN_USER": user, "NOVATUNE_PRESIGN_WINDOW": window])
        let source = SettingsSource(environment: environment, configPath: nil)
        let settings = try SettingsReader.read(source, inherited: [:]).settings
        let warnings = ConfigurationWarnings.warnings(settings, source)
        #expect(warnings.filter { $0.subject == "NOVATUNE_PRESIGN_WINDOW" }.count == count)
    }

    @Test func emptyValueCountsAsUnset() throws {
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_LOOPS": "", "NOVATUNE_CACHE_URL": "", "NOVATUNE_DATABASE_URL_FILE": ""])
        )
        #expect(
            settings.responder.loops == ResponderSetting.defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN)))
                && settings.cache.url == .memory(.init()))
        #expect(
            Environments.issues(Environments.least(with: ["NOVATUNE_S3_REGION": ""])) == [
                "NOVATUNE_S3_REGION is required"
            ])
    }

    @Test func otherProgramsVariablesAreIgnored() throws {
        let others: KeyValuePairs<String, String?> = [
            "PATH": "/bin", "novatune_x": "1", "NOVATUNE_RATE_LIMIT_PER_MINUTE": "60", "NOVATUNE_NGINX_X": "1",
        ]
        #expect(Environments.issues(Environments.least(with: others)) == [])
    }

    @Test func oneLoopServesUpToFourCores() {
        #expect([1, 2, 4, 5, 64].map { ResponderSetting.defaultLoops(cores: $0) } == [1, 1, 1, 2, 2])
    }

    @Test func issueForASettingOfAnEarlierVersionNamesTheRemedy() {
        let issues = Environments.issues(Environments.least(with: ["NOVATUNE_WORKERS": "8"]))
        #expect(issues.count == 1 && issues.first?.contains("remove it") == true)
    }
}
