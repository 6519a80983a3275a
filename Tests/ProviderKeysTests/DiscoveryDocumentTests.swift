import Testing

@testable import ProviderKeys

@Suite struct DiscoveryDocumentTests {
    /// OpenID Connect Discovery 1.0 §4.1, and RFC 8414 §3.1 with its example of an issuer with a path.
    @Test(arguments: [
        (
            "https://example.com", "https://example.com/.well-known/openid-configuration",
            "https://example.com/.well-known/oauth-authorization-server"
        ),
        (
            "https://example.com/issuer1", "https://example.com/issuer1/.well-known/openid-configuration",
            "https://example.com/.well-known/oauth-authorization-server/issuer1"
        ),
        (
            "https://example.com:8443/a/", "https://example.com:8443/a/.well-known/openid-configuration",
            "https://example.com:8443/.well-known/oauth-authorization-server/a"
        ),
    ])
    func documentIsBelowTheIssuer(issuer: String, first: String, second: String) {
        #expect(DiscoveryDocument.urls(issuer: issuer) == [first, second])
    }

    @Test func issuerThatIsNoURLHasNoDocument() {
        #expect(DiscoveryDocument.urls(issuer: "accounts.google.com").isEmpty)
    }

    private func outcome(_ document: String, issuer: String = "https://i.example/") -> Result<String, KeyFetchFailure> {
        Result { () throws(KeyFetchFailure) in
            try DiscoveryDocument.keysURL(Array(document.utf8), issuer: issuer)
        }
    }

    @Test func keysAreAtTheAddressThatTheDocumentNames() {
        let document = #"{"issuer":"https://i.example/","jwks_uri":"https://other.example/keys?x=1","more":[1]}"#
        #expect(outcome(document) == .success("https://other.example/keys?x=1"))
    }

    @Test(arguments: [
        "", "null", "[]", "{}", #"{"issuer":"https://i.example/"}"#, #"{"jwks_uri":"https://i.example/k"}"#,
        #"{"issuer":"https://i.example","jwks_uri":"https://i.example/k"}"#,
        #"{"issuer":"https://I.example/","jwks_uri":"https://i.example/k"}"#,
        #"{"issuer":["https://i.example/"],"jwks_uri":"https://i.example/k"}"#,
        #"{"issuer":"https://i.example/","jwks_uri":"http://i.example/k"}"#,
        #"{"issuer":"https://i.example/","jwks_uri":"file:///etc/passwd"}"#,
        #"{"issuer":"https://i.example/","jwks_uri":"https://u:p@i.example/k"}"#,
        #"{"issuer":"https://i.example/","jwks_uri":"/keys"}"#,
        // A program of this host is none of the provider's.
        #"{"issuer":"https://i.example/","jwks_uri":"http://127.0.0.1:9200/keys"}"#,
    ])
    func otherDocumentsAreInvalid(document: String) {
        guard case .failure(let failure) = outcome(document) else {
            Issue.record("accepted")
            return
        }
        #expect(failure.kind == .invalid)
    }

    @Test func issuerOfAnotherIsShownWithoutControlCharacters() {
        let document = #"{"issuer":"https://x\u001b[2J\u2028","jwks_uri":"https://i.example/k"}"#
        guard case .failure(let failure) = outcome(document) else {
            Issue.record("accepted")
            return
        }
        #expect(failure.description.hasSuffix("https://x?[2J?"))
    }
}
