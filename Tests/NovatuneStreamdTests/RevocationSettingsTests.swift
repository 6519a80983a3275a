import FastCGI
import OperatorSettings
import S3ObjectStore
import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import novatune_streamd

/// The process that revokes holds neither the tokens' nor the cache's keys.
@Suite struct RevocationSettingsTests {
    private static let least = [
        "NOVATUNE_DATABASE_URL": "postgresql:///novatune", "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:9000",
        "NOVATUNE_S3_REGION": "r", "NOVATUNE_S3_BUCKET": "audio", "NOVATUNE_S3_ACCESS_KEY_ID": "id",
        "NOVATUNE_S3_SECRET_ACCESS_KEY": "secret",
    ]

    private func read(_ changes: [String: String] = [:]) throws(SettingsError) -> RevocationSettings {
        let environment = Self.least.merging(changes) { $1 }
        return try SettingsReader.readRevocation(
            SettingsSource(environment: environment, configPath: nil), inherited: [:])
    }

    @Test func databaseAndStoreAreEnough() throws {
        let settings = try read()
        #expect(settings.listen == .unix(path: "/run/novatune/revoke.sock"))
        #expect(settings.workers == 4 && settings.poll == .seconds(1) && settings.s3.timeout == .seconds(5))
        #expect(settings.credentials == Credentials(accessKeyID: "id", secretAccessKey: "secret"))
    }

    @Test func everySettingIsTaken() throws {
        let settings = try read([
            "NOVATUNE_REVOKE_LISTEN": "127.0.0.1:9001", "NOVATUNE_REVOKE_WORKERS": "16",
            "NOVATUNE_REVOKE_POLL": "250ms",
        ])
        #expect(settings.listen == .tcp(host: "127.0.0.1", port: 9001))
        #expect(settings.workers == 16 && settings.poll == .milliseconds(250))
    }

    @Test func inheritedSocketIsTakenByItsName() throws {
        let source = SettingsSource(environment: Self.least, configPath: nil)
        let settings = try SettingsReader.readRevocation(source, inherited: ["revoke": .inherited(descriptor: 3)])
        #expect(settings.listen == .inherited(descriptor: 3))
    }

    @Test(
        arguments: [
            Row("NOVATUNE_REVOKE_LISTEN", ["x", "unix:relative"]), Row("NOVATUNE_REVOKE_WORKERS", ["0", "17", "x"]),
            Row("NOVATUNE_REVOKE_POLL", ["49ms", "61s", "x"]), Row("NOVATUNE_S3_BUCKET", ["", "a"]),
            Row("NOVATUNE_DATABASE_URL", [""]),
        ] as [Row<[String]>])
    func badValueIsOneLineThatNamesItsSetting(_ row: Row<[String]>) {
        for value in row.value {
            do {
                _ = try read([row.name: value])
                Issue.record("\(row.name)=\(value) was taken")
            } catch {
                #expect(error.issues.count == 1 && error.description.contains(row.name), "\(error)")
            }
        }
    }

    @Test func settingsOfTheResponderMayBeInvalid() throws {
        _ = try read(["NOVATUNE_JWT_LEEWAY": "x", "NOVATUNE_CACHE_URL": "x", "NOVATUNE_LOOPS": "x"])
    }
}
