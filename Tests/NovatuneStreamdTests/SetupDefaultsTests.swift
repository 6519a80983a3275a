@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct SetupDefaultsTests {
    private func derived(_ given: [String: String]) -> [String: String] {
        SetupDefaults.derived(SetupAnswers(kept: given), SetupPaths())
    }

    @Test(arguments: [
        Row("https://s3.eu-central-1.amazonaws.com", "eu-central-1"), Row("https://s3.amazonaws.com", "us-east-1"),
        Row("https://s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1"),
        Row("https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"), Row("https://minio.example.com", "us-east-1"),
        Row("https://kms.eu-west-1.amazonaws.com", "us-east-1"), Row("no address", "us-east-1"),
    ])
    func regionFollowsFromTheEndpoint(_ row: Row<String>) {
        #expect(derived(["NOVATUNE_S3_ENDPOINT": row.name])["NOVATUNE_S3_REGION"] == row.value)
    }

    @Test func regionThatIsGivenStays() {
        #expect(derived(["NOVATUNE_S3_REGION": "here"])["NOVATUNE_S3_REGION"] == nil)
    }

    @Test(arguments: [
        "NOVATUNE_JWT_KEYS_FILE", "NOVATUNE_JWT_KEYS_URL", "NOVATUNE_JWT_HS256_SECRET", "NOVATUNE_JWT_PROVIDERS_FILE",
    ])
    func keysAreDiscoveredUnlessTheAnswersSayWhereTheyAre(_ name: String) {
        #expect(derived([:])["NOVATUNE_JWT_DISCOVERY"] == "on")
        #expect(derived([name: "x"])["NOVATUNE_JWT_DISCOVERY"] == nil)
    }

    @Test func keyRingIsSetupsOwnUnlessThereIsAnother() {
        #expect(derived([:])["NOVATUNE_CACHE_KEYS_FILE"] == "/etc/novatune/keys.json")
        #expect(derived(["NOVATUNE_CACHE_KEYS_DIRECTORY": "/keys"])["NOVATUNE_CACHE_KEYS_FILE"] == nil)
        #expect(derived(["NOVATUNE_CACHE_KEYS_FILE": "/ring"])["NOVATUNE_CACHE_KEYS_FILE"] == nil)
    }

    @Test func certificateMeansHTTPS() {
        #expect(derived(["NOVATUNE_NGINX_CERTIFICATE": "/c"])["NOVATUNE_NGINX_SCHEME"] == "https")
        #expect(
            derived(["NOVATUNE_NGINX_CERTIFICATE": "/c", "NOVATUNE_NGINX_SCHEME": "http"])["NOVATUNE_NGINX_SCHEME"]
                == nil)
        #expect(derived([:])["NOVATUNE_NGINX_SCHEME"] == nil)
    }
}
