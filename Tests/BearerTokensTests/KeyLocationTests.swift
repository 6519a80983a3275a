import Testing

@testable import BearerTokens

@Suite struct KeyLocationTests {
    @Test(arguments: [
        "https://login.example.com/realms/music/protocol/openid-connect/certs", "HTTPS://login.example.com",
        "https://login.example.com:8443/keys?tenant=a", "http://localhost:8080/keys", "http://127.0.0.1/keys",
        "http://127.8.9.1:1/", "http://[::1]:8080/keys", "https://[2001:db8::1]/keys",
    ])
    func httpsAndThisHostAreTaken(url: String) {
        #expect(throws: Never.self) { try KeyLocation(.keys(url)) }
    }

    @Test(arguments: [
        "", "login.example.com", "http://login.example.com/keys", "http://127.0.0.1.example.com/keys",
        "http://localhost.example.com/", "http://[::2]/", "ftp://login.example.com/", "file:///etc/keys.json",
        "https://", "https:///keys", "https://:443/", "https://user:password@login.example.com/",
        "http://127.0.0.1@login.example.com/", "https://login.example.com/a b", "https://login.example.com/\n",
        "https://login.example.com/#keys", "https://lögin.example.com/",
    ])
    func othersAreRefused(url: String) {
        #expect(throws: (any Error).self) { try KeyLocation(.keys(url)) }
        #expect(throws: (any Error).self) { try KeyLocation(.discovery(issuer: url)) }
    }
}
