import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import novatune_streamd

/// The forms in which AWS's tools and services write credentials.
@Suite struct CredentialsDocumentTests {
    private static let end = UnixTime(rfc3339: "2026-07-16T18:20:11Z")

    private static func credentials(token: String? = "IQoJEXAMPLE", end: UnixTime? = end) -> Credentials {
        Credentials(
            accessKeyID: "ASIAEXAMPLE", secretAccessKey: "secretEXAMPLE", sessionToken: token, expiration: end)
    }

    private static let pair = #""AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"secretEXAMPLE""#
    private static let rest = #""Expiration":"2026-07-16T18:20:11Z""#

    @Test(arguments: [
        Row("process", #"{"Version":1,\#(pair),"SessionToken":"IQoJEXAMPLE",\#(rest)}"#),
        Row(
            "instance metadata",
            #"{"Code":"Success","LastUpdated":"2026-07-16T12:00:00Z","Type":"AWS-HMAC",\#(pair),"Token":"IQoJEXAMPLE",\#(rest)}"#
        ),
        Row(
            "container",
            #"{"RoleArn":"arn:aws:iam::123456789012:role/novatune",\#(pair),"Token":"IQoJEXAMPLE",\#(rest)}"#),
        Row(
            "sts assume-role",
            #"{"Credentials":{\#(pair),"SessionToken":"IQoJEXAMPLE",\#(rest)},"AssumedRoleUser":{"Arn":"arn"}}"#),
        Row(
            "profile",
            """
            # by hand
            [default]
            aws_access_key_id = ASIAEXAMPLE
            aws_secret_access_key=secretEXAMPLE
            aws_session_token = IQoJEXAMPLE
            aws_expiration = 2026-07-16T18:20:11Z

            [other]
            aws_access_key_id = AKIAOTHER
            """),
    ])
    func everyFormGivesTheSameCredentials(_ row: Row<String>) throws {
        #expect(try CredentialsDocument(row.value).credentials == Self.credentials())
    }

    @Test(arguments: [
        Row("empty token", #"{"Version":1,\#(pair),"SessionToken":""}"#),
        Row("null token", #"{\#(pair),"Token":null}"#),
        Row("only profile", "[novatune]\r\nAWS_ACCESS_KEY_ID=ASIAEXAMPLE\r\naws_secret_access_key=secretEXAMPLE\r\n"),
    ])
    func tokenAndEndMayBeAbsent(_ row: Row<String>) throws {
        #expect(try CredentialsDocument(row.value).credentials == Self.credentials(token: nil, end: nil))
    }

    @Test(arguments: [
        Row("not JSON", "{"), Row("not a JSON object", "[]"), Row("Version", #"{"Version":2,\#(pair)}"#),
        Row("Code", #"{"Code":"Failed",\#(pair)}"#), Row("SecretAccessKey", #"{"AccessKeyId":"ASIAEXAMPLE"}"#),
        Row("Expiration", #"{\#(pair),"Expiration":"tomorrow"}"#), Row("Token", #"{\#(pair),"Token":1}"#),
        Row("none is [default]", "[a]\naws_access_key_id=ASIAEXAMPLE\n[b]\naws_access_key_id=ASIAEXAMPLE\n"),
        Row("no aws_secret_access_key", "[default]\naws_access_key_id=ASIAEXAMPLE\n"),
        Row("aws_expiration", "[default]\naws_access_key_id=a\naws_secret_access_key=b\naws_expiration=soon\n"),
    ])
    func reasonNamesTheMemberAndNoValue(_ row: Row<String>) {
        #expect {
            try CredentialsDocument(row.value)
        } throws: { error in
            let reason = (error as? CredentialsDocument.Invalid)?.description ?? ""
            return reason.contains(row.name) && !reason.contains("ASIAEXAMPLE") && !reason.contains("secretEXAMPLE")
        }
    }
}
