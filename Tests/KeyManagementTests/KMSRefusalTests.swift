import HTTPClient
@testable import KeyManagement
import TestSupport
import Testing

/// Answers as AWS KMS gives them (recorded from its API Reference and from its endpoints), and what is made of each.
@Suite struct KMSRefusalTests {
    struct Expected: Sendable {
        let words: String
        let isWorthRepeating: Bool
        let isTemporary: Bool
    }

    private static func row(
        _ status: Int, _ body: String, _ words: String, again: Bool = false, temporary: Bool = false
    ) -> Row<(HTTPResponse, Expected)> {
        Row(
            "\(status) \(body.prefix(60))",
            (
                HTTPResponse(status: status, body: Array(body.utf8)),
                Expected(words: words, isWorthRepeating: again, isTemporary: again || temporary)
            ))
    }

    static let answers = [
        row(
            400,
            #"{"__type":"ThrottlingException","message":"You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."}"#,
            "throttling", again: true),
        row(
            400,
            #"{"__type":"AccessDeniedException","Message":"User: arn:aws:iam::111122223333:user/canary is not authorized to perform: kms:Decrypt"}"#,
            "kms:Decrypt"),
        row(400, #"{"__type":"InvalidCiphertextException"}"#, "encryption context"),
        row(
            400,
            #"{"__type":"IncorrectKeyException","message":"The key ID in the request does not identify a CMK that can perform this operation."}"#,
            "another key"),
        row(
            400,
            #"{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}"#,
            "have expired",
            temporary: true),
        row(
            400,
            #"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"The security token included in the request is invalid."}"#,
            "does not know the credentials"),
        row(
            400,
            #"{"__type":"InvalidSignatureException","message":"Signature expired: 20260108T120000Z is now earlier than 20260108T123000Z (20260108T123500Z - 5 min.)"}"#,
            "clock", temporary: true),
        row(
            400,
            #"{"__type":"InvalidSignatureException","message":"Signature not yet current: 20260108T130000Z is still later than 20260108T123500Z (20260108T123000Z + 5 min.)"}"#,
            "clock", temporary: true),
        row(
            400,
            #"{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match the signature you provided. The Canonical String for this request should have been 'canary'"}"#,
            "secret key"),
        row(
            400,
            #"{"__type":"NotFoundException","message":"Key 'arn:aws:kms:eu-central-1:111122223333:key/canary' does not exist"}"#,
            "no such key"),
        row(400, #"{"__type":"DisabledException","message":"canary is disabled."}"#, "disabled"),
        row(400, #"{"__type":"KMSInvalidStateException","message":"canary is pending deletion."}"#, "deleted"),
        row(500, #"{"__type":"KMSInternalException"}"#, "fails for the moment", again: true),
        row(500, #"{"__type":"KeyUnavailableException"}"#, "fails for the moment", again: true),
        row(400, #"{"__type":"SomethingNewException","message":"canary"}"#, "answered 400 (SomethingNewException)"),
        row(400, #"{"__type":"canary canary","message":"canary"}"#, "answered 400"),
        row(503, "<html>canary</html>", "answered 503", again: true),
        row(302, "", "answered 302"), row(429, "{}", "answered 429", again: true),
    ]

    @Test(arguments: answers)
    func refusalIsExplainedWithoutItsOriginalText(_ row: Row<(HTTPResponse, Expected)>) {
        let (response, expected) = row.value
        let refusal = KMSRefusal(response)
        #expect(refusal.reason.contains(expected.words) && !refusal.reason.contains("canary"))
        #expect(refusal.isWorthRepeating == expected.isWorthRepeating && refusal.isTemporary == expected.isTemporary)
    }
}
