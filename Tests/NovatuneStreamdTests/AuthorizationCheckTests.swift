import S3ObjectStore
import Testing

@testable import novatune_streamd

@Suite("What check says about the store's webhook")
struct AuthorizationCheckTests {
    @Test(
        "Only a store that gives a named user's URL, and neither of the others, is right",
        arguments: [
            ([RequestMark.user], CheckFinding.Verdict.ok, "others are refused"),
            ([], .failed, "NOVATUNE_AUTHORIZE_SIGNER"), ([.user, .none], .failed, "rgw_use_opa_authz"),
            ([.user, .anonymous], .failed, "anonymous"), ([.user, .none, .anonymous], .failed, "rgw_use_opa_authz"),
            ([.anonymous], .failed, "anonymous"),
        ])
    func finding(_ given: [RequestMark], _ verdict: CheckFinding.Verdict, _ text: String) {
        let finding = AuthorizationCheck.finding(given)
        #expect(finding.verdict == verdict && finding.detail.contains(text))
    }
}
