@testable import novatune_streamd
import SigV4
import TestSupport
import Testing

@Suite struct ContentSecurityPolicyTests {
    private func allows(
        _ header: String, _ origin: String = "https://media.example", page: String = "https://player.example"
    ) throws -> Bool {
        let (origin, page) = (try #require(Endpoint(origin)), try #require(Endpoint(page)))
        return ContentSecurityPolicy(header).allows("media-src", origin, page: page)
    }

    @Test(arguments: [
        Row("media-src 'self' https://media.example", true), Row("MEDIA-SRC HTTPS://Media.Example:443/a/", true),
        Row("media-src media.example", true), Row("media-src http://media.example", true),
        Row("media-src http://media.example:80", true), Row("media-src *.example", true),
        Row("media-src *.media.example", false), Row("media-src media.example:*", true),
        Row("media-src media.example:8443", false), Row("media-src https:", true), Row("media-src http:", true),
        Row("media-src *", true), Row("media-src data:", false), Row("media-src wss://media.example", false),
        Row("media-src 'self'", false), Row("media-src 'none'", false), Row("media-src", false),
        Row("media-src https://media.example.evil", false), Row("default-src https://media.example", true),
        Row("default-src https://media.example; media-src 'self'", false),
        Row("media-src 'self'; media-src https://media.example", false), Row("connect-src 'self'", true), Row("", true),
    ])
    func sourceIsMatched(_ row: Row<Bool>) throws {
        #expect(try allows(row.name) == row.value)
    }

    @Test func eachPolicyMustAllow() throws {
        #expect(try allows("media-src https:, default-src media.example"))
        #expect(try !allows("media-src https:, default-src 'self'"))
    }

    @Test func sourceWithoutASchemeHasThatOfThePage() throws {
        let store = "http://127.0.0.1:9000"
        #expect(try allows("media-src 127.0.0.1:9000", store, page: "http://localhost"))
        #expect(try !allows("media-src 127.0.0.1:9000", store))
        #expect(try !allows("media-src 127.0.0.1", store, page: "http://localhost"))
        #expect(try !allows("media-src https://127.0.0.1:9000", store))
    }

    @Test func originOfThePageIsItself() throws {
        #expect(try allows("media-src 'self'", "https://player.example:443"))
        #expect(try !allows("media-src 'self'", "https://player.example:8443"))
    }
}
