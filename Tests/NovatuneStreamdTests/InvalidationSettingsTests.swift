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

    @Test func settingsOfTheResponderThatItDoesNotNeedMayBeWrong() throws {
        _ = try read([
            "NOVATUNE_DATABASE_URL": "postgresql:///novatune", "NOVATUNE_S3_ENDPOINT": "nonsense",
            "NOVATUNE_JWT_KEYS_FILE": "/nonexistent", "NOVATUNE_LOOPS": "many",
        ])
    }

    @Test func everythingThatItNeedsIsComplainedOfAtOnce() {
        let error = #expect(throws: SettingsError.self) {
            try read([
                "NOVATUNE_DATABASE_URL_FILE": "/nonexistent", "NOVATUNE_CACHE_URL": "redis://:hunter2@", "NOVATUNE_CACHE_PREFIX": "a:b",
                "NOVATUNE_CACHE_TIMEOUT": "soon",
            ])
        }
        let names = error?.complaints.map { $0.prefix { $0 != ":" } }
        #expect(names == ["NOVATUNE_DATABASE_URL_FILE", "NOVATUNE_CACHE_URL", "NOVATUNE_CACHE_PREFIX", "NOVATUNE_CACHE_TIMEOUT"])
        #expect(error?.description.contains("hunter2") == false)
    }

    @Test func missingDatabaseIsRequired() {
        #expect(throws: SettingsError.self) { try read([:]) }
    }
}
