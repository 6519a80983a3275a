import SigV4
import Testing

@Suite struct CredentialsTests {
    @Test func secretsAppearInNoDescription() {
        let credentials = Credentials(
            accessKeyID: "canary-id", secretAccessKey: "canary-secret", sessionToken: "canary-token")
        var dumped = ""
        dump(credentials, to: &dumped)
        for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
            #expect(!text.contains("canary"))
        }
    }
}
