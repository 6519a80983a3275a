@testable import BearerTokens
import StrictJSON
import TestSupport
import Testing

@Suite struct ClaimPathTests {
    private static let claims = #"""
        {"roles":"top","a.b":"exact","a":{"b":"nested","c/d":"slash","e~f":"tilde","g":["list"],"":"empty"},
         "https://example.com/roles":"address","cognito:groups":"colon","/x":"exact slash","x":"x"}
        """#

    @Test(
        arguments: [
            Row("roles", "top"), Row("a.b", "exact"), Row("/a/b", "nested"), Row("a.c/d", "slash"),
            Row("/a/c~1d", "slash"), Row("/a/e~0f", "tilde"), Row("a.e~f", "tilde"), Row("/a/", "empty"),
            Row("https://example.com/roles", "address"), Row("cognito:groups", "colon"), Row("/x", "exact slash"),
            Row("a.g.0", nil), Row("a.b.c", nil), Row("absent", nil), Row("a.absent", nil), Row(".", nil),
            Row("/", nil), Row("a..b", nil), Row("/a/~01", nil),
        ] as [Row<String?>])
    func claimIsFound(_ row: Row<String?>) throws {
        let object = try #require(try JSONReader.read(Array(Self.claims.utf8)).objectValue)
        #expect(try #require(ClaimPath(row.name)).value(in: object)?.stringValue == row.value)
    }

    @Test func emptyPathIsNone() { #expect(ClaimPath("") == nil) }
}
