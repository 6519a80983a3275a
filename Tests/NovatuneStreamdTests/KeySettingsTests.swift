import OperatorSettings
import Cryptography
import KeyManagement
import SigV4
import StreamIssuing
@testable import novatune_streamd
import TestSupport
import Testing

/// Where keys come from, as settings say it.
@Suite struct KeySettingsTests {
    private func issues(_ changes: KeyValuePairs<String, String?>) -> [String] {
        Environments.issues(Environments.least(with: changes))
    }

    @Test(arguments: [
        Row("NOVATUNE_CACHE_KEYS_DIRECTORY", "/etc/novatune/keys"),
        Row("NOVATUNE_CACHE_KEYS_COMMAND", "/bin/cat /etc/novatune/keys.json"),
    ])
    func twoSourcesTogetherAreRefused(_ row: Row<String>) {
        #expect(issues([row.name: row.value]) == ["NOVATUNE_CACHE_KEYS and \(row.name) are both set; keep one"])
    }

    @Test func fileIsASourceLikeTheValueItself() throws {
        let place = try TemporaryDirectory()
        let path = try place.write(Environments.keyRing, as: "ring")
        let settings = try Environments.read(
            Environments.least(with: ["NOVATUNE_CACHE_KEYS": nil, "NOVATUNE_CACHE_KEYS_FILE": path]))
        #expect(settings.keyRingSource.name == "file \(path)" && settings.watchedPaths.contains(path))
        withExtendedLifetime(place) {}
    }

    @Test(arguments: ["cat /etc/keys", "", "[]", "[1]", #"["cat"]"#, #"["/bin/cat""#, "   "])
    func commandThatIsNoAbsolutePathAndArgumentsIsRefused(_ text: String) {
        let found = issues(["NOVATUNE_CACHE_KEYS": nil, "NOVATUNE_CACHE_KEYS_COMMAND": text])
        #expect(found.count >= 1 && found.allSatisfy { $0.contains("NOVATUNE_CACHE_KEYS") })
    }

    @Test(arguments: [
        Row("/bin/cat", ["/bin/cat"]), Row("/bin/cat  /a /b ", ["/bin/cat", "/a", "/b"]),
        Row(#"["/bin/sh","-c","echo \"a b\""]"#, ["/bin/sh", "-c", #"echo "a b""#]),
        Row(#"/bin/echo "a b""#, ["/bin/echo", "\"a", "b\""]),
    ])
    func commandIsSplitAtSpacesOrReadAsAnArray(_ row: Row<[String]>) {
        #expect(CommandLineText.arguments(row.name) == row.value)
    }

    @Test func sourcesThatAreBothSetAreNamedAsTheyWereSet() throws {
        let place = try TemporaryDirectory()
        let file = try place.write(Environments.keyRing, as: "ring")
        #expect(
            issues([
                "NOVATUNE_CACHE_KEYS": nil, "NOVATUNE_CACHE_KEYS_FILE": file, "NOVATUNE_CACHE_KEYS_DIRECTORY": "/etc",
            ]) == ["NOVATUNE_CACHE_KEYS_FILE and NOVATUNE_CACHE_KEYS_DIRECTORY are both set; keep one"])
    }

    @Test func settingsThatACommandOrAServiceCompletesAreReadWithoutIt() throws {
        let place = try TemporaryDirectory()
        let marker = place.path("was-run")
        let environment = Environments.least(with: [
            "NOVATUNE_CACHE_KEYS": nil, "NOVATUNE_CACHE_KEYS_COMMAND": "/usr/bin/touch \(marker)",
        ])
        let local = try SettingsReader.readWithoutConnecting(
            SettingsSource(environment: environment, configPath: nil), inherited: [:])
        #expect(local.keyRing == nil && local.settings.keyRingSource.name == "command /usr/bin/touch")
        #expect(FileStamp(of: [marker]) == FileStamp(of: []))
        let plain = try SettingsReader.readWithoutConnecting(
            SettingsSource(environment: Environments.least, configPath: nil), inherited: [:])
        #expect(plain.keyRing?.current == "v1")
    }

    @Test func settingsOfKMSNeedItsKey() {
        #expect(
            issues(["NOVATUNE_KMS_REGION": "eu-central-1"]) == ["NOVATUNE_KMS_REGION: NOVATUNE_KMS_KEY_ID is not set"])
    }

    @Test(arguments: [
        Row("https://kms.eu-central-1.amazonaws.com", true), Row("http://127.0.0.1:4566", true),
        Row("http://localhost:4566", true),
        Row("http://[::1]:4566", true), Row("http://kms.internal", false), Row("http://10.0.0.1", false),
        Row("http://127.0.0.1.example.com", false),
    ])
    func kmsWithoutTLSIsAcceptedOnLoopbackOnly(_ row: Row<Bool>) {
        #expect(issues(["NOVATUNE_KMS_KEY_ID": "alias/k", "NOVATUNE_KMS_ENDPOINT": row.name]).isEmpty == row.value)
    }

    @Test(arguments: ["eu/central", "eu.central", "evil.example#", "é", String(repeating: "a", count: 65)])
    func invalidRegionOfKMSIsRefusedAndNotQuoted(region: String) {
        #expect(
            issues(["NOVATUNE_KMS_KEY_ID": "alias/k", "NOVATUNE_KMS_REGION": region]) == [
                "NOVATUNE_KMS_REGION: a region such as eu-central-1 is required, here or as NOVATUNE_S3_REGION"
            ])
    }

    @Test func sessionTokenAloneIsRefused() {
        let found = issues(["NOVATUNE_KMS_KEY_ID": "alias/k", "NOVATUNE_KMS_SESSION_TOKEN": "canary"])
        #expect(found.contains { $0.hasPrefix("NOVATUNE_KMS_ACCESS_KEY_ID ") && $0.hasSuffix(" is required") })
        #expect(found.contains { $0.hasPrefix("NOVATUNE_KMS_SECRET_ACCESS_KEY ") && $0.hasSuffix(" is required") })
    }

    @Test func directoryOfKeysIsNotUnwrapped() throws {
        let place = try TemporaryDirectory()
        let found = issues([
            "NOVATUNE_KMS_KEY_ID": "alias/k", "NOVATUNE_CACHE_KEYS": nil, "NOVATUNE_CACHE_KEYS_DIRECTORY": place.path,
        ])
        #expect(found.contains { $0.hasPrefix("NOVATUNE_KMS_KEY_ID: ") })
    }

    @Test func storeCredentialsComeInOneDocumentOrOneByOneAndNotBoth() throws {
        let document =
            #"{"Version":1,"AccessKeyId":"id","SecretAccessKey":"s","SessionToken":"t","Expiration":"2026-01-08T12:32:00Z"}"#
        let environment = Environments.least(with: [
            "NOVATUNE_S3_ACCESS_KEY_ID": nil, "NOVATUNE_S3_SECRET_ACCESS_KEY": nil, "NOVATUNE_S3_CREDENTIALS": document,
        ])
        let credentials = try Environments.readSecrets(environment).storeCredentials
        #expect(
            credentials.accessKeyID == "id" && credentials.sessionToken == "t"
                && credentials.expiration?.seconds == 1_767_875_520)
        #expect(issues(["NOVATUNE_S3_CREDENTIALS": document]).count == 2)
    }

    @Test func credentialsThatAreSetTwiceAreNamedAsTheyWereSet() throws {
        let place = try TemporaryDirectory()
        let document = try place.write(
            #"{"Version":1,"AccessKeyId":"id","SecretAccessKey":"s"}"#, as: "credentials")
        let id = try place.write("id", as: "id")
        let found = issues([
            "NOVATUNE_S3_ACCESS_KEY_ID": nil, "NOVATUNE_S3_ACCESS_KEY_ID_FILE": id,
            "NOVATUNE_S3_CREDENTIALS_FILE": document,
        ])
        #expect(
            found == [
                "NOVATUNE_S3_ACCESS_KEY_ID_FILE and NOVATUNE_S3_CREDENTIALS_FILE are both set; keep one",
                "NOVATUNE_S3_SECRET_ACCESS_KEY and NOVATUNE_S3_CREDENTIALS_FILE are both set; keep one",
            ])
    }
}
