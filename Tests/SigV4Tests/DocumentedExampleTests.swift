import Cryptography
@testable import SigV4
import StreamIssuing
import Testing

/// "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", Amazon S3 API Reference: the example,
/// stage by stage.
@Suite struct DocumentedExampleTests {
    private static let credentials = Credentials(
        accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    private static let time = UnixTime(seconds: 1_369_353_600)  // 2013-05-24T00:00:00Z
    private static let scope = CredentialScope(at: time, region: "us-east-1")
    private static let queryString =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        + "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    private static let request = CanonicalRequest(
        method: "GET", uri: "/test.txt", queryString: queryString, headers: "host:examplebucket.s3.amazonaws.com\n",
        signedHeaders: "host", payloadHash: "UNSIGNED-PAYLOAD")
    private static let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

    @Test func credentialScopeEqualsThatOfAWS() {
        #expect(Self.scope.description == "20130524/us-east-1/s3/aws4_request")
    }

    @Test func canonicalRequestEqualsThatOfAWS() {
        #expect(
            Self.request.text == """
                GET
                /test.txt
                \(Self.queryString)
                host:examplebucket.s3.amazonaws.com

                host
                UNSIGNED-PAYLOAD
                """)
        #expect(
            SHA256().hash(Self.request.text).hexadecimal
                == "3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04")
    }

    @Test func stringToSignEqualsThatOfAWS() {
        let string = StringToSign(
            time: Self.time, scope: Self.scope, canonicalRequestHash: SHA256().hash(Self.request.text))
        #expect(
            string.text == """
                AWS4-HMAC-SHA256
                20130524T000000Z
                20130524/us-east-1/s3/aws4_request
                3bfa292879f6447bbcda7001decf97f4a54dc650c8942174ae0a9121cf58ad04
                """)
    }

    @Test func signatureEqualsThatOfAWS() throws {
        let string = StringToSign(
            time: Self.time, scope: Self.scope, canonicalRequestHash: SHA256().hash(Self.request.text))
        #expect(try SigningKey(Self.credentials, scope: Self.scope).signature(of: string) == Self.signature)
    }

    @Test func wholeURLEqualsThatOfAWS() throws {
        let presigner = Presigner(
            credentials: Self.credentials, region: "us-east-1",
            endpoint: try #require(Endpoint("https://s3.amazonaws.com")),
            bucket: "examplebucket", addressing: .virtual)
        let url = try presigner.presign(key: "test.txt", at: Self.time, expiry: .seconds(86_400))
        #expect(
            url
                == "https://examplebucket.s3.amazonaws.com/test.txt?\(Self.queryString)&X-Amz-Signature=\(Self.signature)"
        )
    }
}
