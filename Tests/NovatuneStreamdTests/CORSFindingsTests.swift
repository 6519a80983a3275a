@testable import novatune_streamd
import S3ObjectStore
import Testing

@Suite struct CORSFindingsTests {
    private let a = "https://a.example", b = "https://b.example:8443"

    @Test func originsThatMayReadAreOneLineEach() {
        #expect(
            CORSFindings.findings([(a, nil), (b, nil)]) == [CheckFinding("cors", .ok, a), CheckFinding("cors", .ok, b)])
    }

    @Test func ruleIsForAllOriginsAndComesOnce() {
        let findings = CORSFindings.findings([(a, nil), (b, .noOrigin), (a, .hidden(["ETag"]))])
        #expect(findings.map(\.subject) == ["cors", "cors", "cors", "cors rule"])
        #expect(findings.map(\.verdict) == [.ok, .warning, .warning, .warning])
        #expect(findings[1].detail.hasPrefix("\(b): ") && findings[2].detail.hasSuffix("lacks ETag"))
        #expect(findings[3].detail.hasSuffix(CORSFindings.rule([a, b, a])))
    }

    @Test func noRuleMendsWhatAProxyAdds() {
        #expect(CORSFindings.findings([(a, .severalOrigins)]).map(\.subject) == ["cors"])
    }

    @Test func ruleIsTheDocumentOfPutBucketCORS() {
        let rest = """
            "AllowedMethods":["GET","HEAD"],"AllowedHeaders":["Range"],\
            "ExposeHeaders":["ETag","Content-Range","Accept-Ranges","Content-Length"],"MaxAgeSeconds":3600}]}
            """
        #expect(CORSFindings.rule([a]) == #"{"CORSRules":[{"AllowedOrigins":["https://a.example"],"# + rest)
        #expect(
            CORSFindings.rule([a, #"""#]).hasPrefix(#"{"CORSRules":[{"AllowedOrigins":["https://a.example","\""],"#))
    }
}
