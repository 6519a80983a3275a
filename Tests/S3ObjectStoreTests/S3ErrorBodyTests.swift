import HTTPClient
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct S3ErrorBodyTests {
    private func document(_ members: String) -> String {
        #"<?xml version="1.0" encoding="UTF-8"?><Error>\#(members)<RequestId>4442587FB7D0A2F9</RequestId></Error>"#
    }

    @Test func membersOfTheDocumentAreRead() {
        let body = S3ErrorBody(
            document("<Code>NoSuchKey</Code><Message>…</Message><Key>a/b</Key><BucketName>audio</BucketName>"))
        #expect(body.code == "NoSuchKey" && body.key == "a/b" && body.bucket == "audio")
        #expect(body.region == nil && !body.isAboutTime)
    }

    @Test(arguments: [
        Row("<Region>eu-west-1</Region>", "eu-west-1"),
        Row("<Message>the region 'x' is wrong; expecting 'eu-west-1'</Message>", "eu-west-1"),
        Row("<Message>the region &apos;x&apos; is wrong; expecting &apos;eu-west-1&apos;</Message>", "eu-west-1"),
        Row("<Message>the region &#39;x&#39; is wrong; expecting &#39;eu-west-1&#39;</Message>", "eu-west-1"),
        Row("<Message>the region &#34;x&#34; is wrong; expecting &#34;eu-west-1&#34;</Message>", "eu-west-1"),
        Row("<Message>Access Denied</Message>", "eu-north-1"), Row("<Region>a b</Region>", nil),
        Row("<Region>", "eu-north-1"),
    ])
    func expectedRegionIsInAMemberTheMessageOrTheHeader(_ row: Row<String?>) {
        let body = S3ErrorBody(document(row.name), regionHeader: "eu-north-1")
        #expect(body.region == row.value)
    }

    @Test(arguments: [
        Row("<Code>RequestTimeTooSkewed</Code>", true),
        Row("<Code>AccessDenied</Code><Message>Request has expired</Message>", true),
        Row("<Code>AccessDenied</Code><Message>Request is not valid yet</Message>", true),
        Row("<Code>AccessDenied</Code><Message>Access Denied</Message>", false),
        Row("<Code>ExpiredToken</Code><Message>The token has expired</Message>", false),
    ])
    func refusalOfTheSignaturesTimeIsRecognised(_ row: Row<Bool>) {
        #expect(S3ErrorBody(document(row.name)).isAboutTime == row.value)
    }

    @Test(arguments: [
        "", "<html><h1>403 Forbidden</h1></html>", "<Code></Code>", "<Code>Access Denied!</Code>", "<Code>",
    ])
    func otherTextIsNoS3Error(_ text: String) {
        #expect(S3ErrorBody(text).code == nil)
    }

    @Test func bytesOfAResponseThatAreNoTextAreNoS3Error() {
        #expect(S3ErrorBody(HTTPResponse(status: 403, body: [0xFF, 0x00, 0x3C])).code == nil)
    }
}
