import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct StoreFaultTests {
    private func request(_ addressing: Endpoint.Addressing = .path) -> ObjectRequest {
        ObjectRequest(key: "novatune-probe/1", bucket: "audio", addressing: addressing, expiry: .seconds(60))
    }

    private func fault(
        _ status: Int, _ members: String, _ addressing: Endpoint.Addressing = .path, offset: Int? = nil
    ) -> StoreFault? {
        let now = UnixTime(seconds: 1_800_000_000)
        let clock = offset.map { ClockOffset(server: now.adding(.seconds(-$0)), sent: now, received: now) }
        return StoreFault(status, S3ErrorBody("<Error>\(members)</Error>"), clock, request(addressing))
    }

    @Test(arguments: [200, 206, 416])
    func objectThatIsThereIsNoFault(_ status: Int) {
        #expect(fault(status, "") == nil)
    }

    @Test func missingObjectMissingBucketAndForbiddenObjectAreThreeFaults() {
        #expect(fault(404, "<Code>NoSuchKey</Code>") == .missingObject)
        #expect(fault(404, "<Code>NoSuchKey</Code><Key>novatune-probe/1</Key>") == .missingObject)
        #expect(fault(404, "<Code>NoSuchBucket</Code><BucketName>audio</BucketName>") == .missingBucket)
        #expect(fault(404, "<Code>NoSuchBucket</Code>") == .missingBucket)
        #expect(fault(400, "<Code>InvalidBucketName</Code>") == .missingBucket)
        #expect(fault(403, "<Code>AccessDenied</Code>") == .accessDenied)
    }

    @Test func storeThatTakesAnotherPartOfTheURLForTheBucketShowsTheAddressing() {
        let other = "<Code>NoSuchBucket</Code><BucketName>novatune-probe</BucketName>"
        #expect(fault(404, other, .virtual) == .wrongAddressing && fault(404, other) == .wrongAddressing)
        #expect(fault(404, "<Code>NoSuchBucket</Code>", .virtual) == .wrongAddressing)
        #expect(fault(404, "<Code>NoSuchBucket</Code><BucketName>audio</BucketName>", .virtual) == .missingBucket)
        #expect(fault(404, "<Code>NoSuchKey</Code><Key>audio/novatune-probe/1</Key>") == .wrongAddressing)
        #expect(
            fault(404, "<Code>NoSuchKey</Code><BucketName>novatune-probe</BucketName>", .virtual) == .wrongAddressing)
        // The store may spell a key in another way, and name the bucket behind an alias.
        #expect(fault(404, "<Code>NoSuchKey</Code><Key>novatune-probe%2F1</Key>") == .missingObject)
        #expect(fault(404, "<Code>NoSuchKey</Code><BucketName>other</BucketName>") == .missingObject)
        #expect(fault(405, "<Code>MethodNotAllowed</Code>", .virtual) == .wrongAddressing)
        #expect(fault(400, "<Code>InvalidBucketName</Code>", .virtual) == .wrongAddressing)
        #expect(fault(405, "<Code>MethodNotAllowed</Code>") == .other(status: 405, code: "MethodNotAllowed"))
    }

    @Test func wrongRegionHasTheOneThatIsExpected() {
        let code = "<Code>AuthorizationQueryParametersError</Code>"
        #expect(fault(400, code + "<Region>eu-west-1</Region>") == .wrongRegion(expected: "eu-west-1"))
        #expect(fault(400, code) == .wrongRegion(expected: nil))
        #expect(
            fault(301, "<Code>PermanentRedirect</Code><Region>eu-west-1</Region>")
                == .wrongEndpoint(region: "eu-west-1"))
    }

    @Test(arguments: [
        Row("InvalidAccessKeyId", StoreFault.unknownKeyID), Row("SignatureDoesNotMatch", .signatureMismatch),
        Row("RequestTimeTooSkewed", .wrongTime), Row("InvalidToken", .unknownSessionToken),
        Row("ExpiredToken", .expiredCredentials),
        Row("AllAccessDisabled", .other(status: 403, code: "AllAccessDisabled")),
    ])
    func codeOfARefusalDecides(_ row: Row<StoreFault>) {
        #expect(fault(403, "<Code>\(row.name)</Code>") == row.value)
    }

    /// radosgw refuses a signature whose time is over by AccessDenied alone.
    @Test(arguments: [
        Row("59 s behind", (-59, StoreFault.accessDenied)), Row("60 s behind", (-60, .wrongTime)),
        Row("900 s ahead", (900, .accessDenied)), Row("901 s ahead", (901, .wrongTime)),
    ])
    func forbiddenToAClockThatIsOffIsTheClocksFault(_ row: Row<(Int, StoreFault)>) {
        #expect(fault(403, "<Code>AccessDenied</Code>", offset: row.value.0) == row.value.1)
        #expect(fault(404, "<Code>NoSuchKey</Code>", offset: row.value.0) == .missingObject)
    }

    @Test func answerOfAnotherServerIsNoS3Answer() {
        #expect(fault(404, "") == .foreignAnswer(status: 404) && fault(302, "") == .foreignAnswer(status: 302))
        #expect(fault(403, "<html>") == .foreignAnswer(status: 403))
        #expect(fault(503, "") == .other(status: 503, code: nil) && fault(429, "") == .other(status: 429, code: nil))
    }

    @Test func busyStoreIsNoFaultOfTheSettings() {
        let busy: [StoreFault] = [.other(status: 503, code: "SlowDown"), .other(status: 429, code: nil)]
        #expect(busy.allSatisfy { !$0.isOfSettings })
        #expect(StoreFault.signatureMismatch.isOfSettings && StoreFault.foreignAnswer(status: 404).isOfSettings)
        #expect(!StoreFault.accessDenied.isOfSettings && !StoreFault.missingObject.isOfSettings)
    }
}
