import OperatorSettings
import SealedCache
import StreamIssuing
import Testing

@testable import novatune_streamd

/// Another service that invalidates holds neither the store's keys nor the tokens'.
@Suite struct InvalidationSettingsTests {
    private func read(_ environment: [String: String]) throws(SettingsError) -> (DatabaseSettings, CacheSettings) {
        try SettingsReader.readInvalidation(SettingsSource(environment: environment, configPath: nil))
    }

    @Test func databaseAloneIsEnough() throws {
        let (database, cache) = try read(["NOVATUNE_DATABASE_URL": "postgresql:///novatune"])
        #expect(database.url == "postgresql:///novatune" && database.timeout == .seconds(2))
        #expect(cache.url == .memory(.init()) && cache.prefix == "stream" && cache.timeout == .milliseconds(500))
    }

    @Test func notificationsGoToWhereRespondersReceiveThem() throws {
        let (database, _) = try read([
            "NOVATUNE_DATABASE_URL": "postgresql://pooler/d",
            "NOVATUNE_DATABASE_SUBSCRIBER_URL": "postgresql://primary/d",
        ])
        #expect(database.subscriberAddress.text == "postgresql://primary/d")
        let (alone, _) = try read(["NOVATUNE_DATABASE_URL": "postgresql://pooler/d"])
        #expect(alone.subscriberAddress.text == "postgresql://pooler/d")
    }

    @Test func unneededSettingsOfTheResponderMayBeInvalid() throws {
        let (database, cache) = try read([
            "NOVATUNE_DATABASE_URL": "postgresql:///novatune", "NOVATUNE_S3_ENDPOINT": "nonsense",
            "NOVATUNE_JWT_KEYS_FILE": "/nonexistent", "NOVATUNE_LOOPS": "many",
        ])
        #expect(database.timeout == .seconds(2) && cache.prefix == "stream")
    }

    @Test func allInvalidSettingsAreReportedTogether() {
        let error = #expect(throws: SettingsError.self) {
            try read([
                "NOVATUNE_DATABASE_URL_FILE": "/nonexistent", "NOVATUNE_CACHE_URL": "redis://:hunter2@",
                "NOVATUNE_CACHE_PREFIX": "a:b",
                "NOVATUNE_CACHE_TIMEOUT": "soon",
            ])
        }
        let names = error?.issues.map { $0.description.prefix { $0 != ":" } }
        #expect(
            names == [
                "NOVATUNE_DATABASE_URL_FILE", "NOVATUNE_CACHE_URL", "NOVATUNE_CACHE_PREFIX", "NOVATUNE_CACHE_TIMEOUT",
            ])
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func missingDatabaseIsRequired() {
        #expect(throws: SettingsError.self) { try read([:]) }
    }
}
