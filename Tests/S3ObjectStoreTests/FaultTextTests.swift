import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

@Suite struct FaultTextTests {
    private func text(
        _ side: FaultText.Side = .own, endpoint: String = "https://s3.example", addressing: Endpoint.Addressing = .path,
        pathHandling: Endpoint.PathHandling = .kept, offset: ClockOffset? = nil
    ) throws -> FaultText {
        let endpoint = try #require(Endpoint(withPath: endpoint))
        return FaultText(
            settings: S3Settings(
                endpoint: endpoint, publicEndpoint: endpoint, region: "us-east-1", bucket: "audio",
                addressing: addressing, presignExpiry: .seconds(120), timeout: .seconds(5), verification: .object,
                pathHandling: pathHandling),
            side: side, offset: offset)
    }

    /// Each cause, and the setting or permission that an operator must change.
    @Test(arguments: [
        Row("NOVATUNE_S3_BUCKET", StoreFault.missingBucket), Row("NOVATUNE_S3_ADDRESSING", .wrongAddressing),
        Row("NOVATUNE_S3_REGION=eu-west-1", .wrongRegion(expected: "eu-west-1")),
        Row("NOVATUNE_S3_REGION", .wrongRegion(expected: nil)),
        Row("NOVATUNE_S3_ENDPOINT", .wrongEndpoint(region: nil)),
        Row("eu-west-1", .wrongEndpoint(region: "eu-west-1")), Row("NOVATUNE_S3_ACCESS_KEY_ID", .unknownKeyID),
        Row("NOVATUNE_S3_SECRET_ACCESS_KEY", .signatureMismatch),
        Row("NOVATUNE_S3_SESSION_TOKEN", .unknownSessionToken),
        Row("s3:GetObject on arn:aws:s3:::audio/*", .accessDenied),
        Row("NOVATUNE_S3_ENDPOINT", .foreignAnswer(status: 404)),
        Row("clock", .wrongTime), Row("SlowDown", .other(status: 503, code: "SlowDown")),
    ])
    func reasonNamesWhatToChange(_ row: Row<StoreFault>) throws {
        #expect(try text().unavailable(row.value).reason.contains(row.name))
    }

    @Test func publicEndpointIsNamedForAPlayersURL() throws {
        let reason = try text(.players).unavailable(.signatureMismatch).reason
        #expect(reason.contains("NOVATUNE_S3_PUBLIC_ENDPOINT") && reason.contains("Host"))
        #expect(try !text(.own).unavailable(.missingBucket).reason.contains("PUBLIC"))
    }

    @Test func pathThatAProxyMayRemoveIsNamed() throws {
        func reason(_ endpoint: String, _ handling: Endpoint.PathHandling) throws -> String {
            try text(endpoint: endpoint, pathHandling: handling).unavailable(.signatureMismatch).reason
        }
        #expect(try reason("https://proxy.example/s3", .kept).contains("NOVATUNE_S3_ENDPOINT_PATH=removed"))
        #expect(try !reason("https://proxy.example/s3", .removed).contains("ENDPOINT_PATH"))
        #expect(try !reason("https://s3.example", .kept).contains("ENDPOINT_PATH"))
    }

    @Test func adviceAboutTheAddressingIsTheOtherOne() throws {
        #expect(try text(addressing: .virtual).unavailable(.wrongAddressing).reason.contains("ADDRESSING=path"))
        #expect(try text(addressing: .path).unavailable(.wrongAddressing).reason.contains("ADDRESSING=virtual"))
    }

    @Test func clocksDifferenceIsInTheReason() throws {
        let now = UnixTime(seconds: 0), server = UnixTime(seconds: 90)
        let offset = ClockOffset(server: server, sent: now, received: now)
        #expect(try text(offset: offset).unavailable(.wrongTime).reason.contains("90 s behind the store's"))
    }
}
