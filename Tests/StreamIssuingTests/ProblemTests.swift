import StreamIssuing
import TestSupport
import Testing

/// Bodies as they go over the wire (RFC 9457), byte by byte.
@Suite struct ProblemTests {
    private static let unavailable = Unavailable(.database, code: "canary", reason: "canary", retryAfterSeconds: 7)

    private func body(_ problem: Problem, instance: String = "/tracks/x/stream") -> String {
        var json = JSONText()
        json.append(problem, instance: instance)
        return String(decoding: json.bytes, as: UTF8.self)
    }

    @Test(
        arguments: [
            Row(
                #"{"type":"https://novatune.dev/errors/unauthorized","title":"Authentication required","status":401,"#
                    + #""detail":"A valid bearer token is required.","instance":"/tracks/x/stream"}"#,
                .unauthorized(.missing)),
            Row(
                #"{"type":"https://novatune.dev/errors/unauthorized","title":"Authentication required","status":401,"#
                    + #""detail":"A valid bearer token is required.","instance":"/tracks/x/stream"}"#,
                .unauthorized(.sessionEnded)),
            Row(
                #"{"type":"https://novatune.dev/errors/forbidden","title":"Access denied","status":403,"#
                    + #""detail":"You do not have access to this resource.","instance":"/tracks/x/stream"}"#, .forbidden
            ),
            Row(
                #"{"type":"https://novatune.dev/errors/rate-limit-exceeded","title":"Rate limit exceeded","status":429,"#
                    + #""detail":"The allowance of 60 requests a minute is used up.","instance":"/tracks/x/stream"}"#,
                .rateLimitExceeded(RateLimit(perMinute: 60)!)),
            Row(
                #"{"type":"https://novatune.dev/errors/invalid-track-id","title":"Invalid track ID","status":400,"#
                    + #""detail":"The track ID is not a ULID of 26 characters.","instance":"/tracks/x/stream"}"#,
                .invalidTrackID),
            Row(
                #"{"type":"https://novatune.dev/errors/track-not-found","title":"Track not found","status":404,"#
                    + #""detail":"There is no track with this ID.","instance":"/tracks/x/stream"}"#, .trackNotFound),
            Row(
                #"{"type":"https://novatune.dev/errors/service-unavailable","title":"Service unavailable","status":503,"#
                    + #""detail":"The service cannot answer right now. Try again later.","instance":"/tracks/x/stream"}"#,
                .serviceUnavailable(unavailable)),
            Row(
                #"{"type":"https://novatune.dev/errors/not-found","title":"Not found","status":404,"#
                    + #""detail":"There is nothing at this path.","instance":"/tracks/x/stream"}"#, .notFound),
            Row(
                #"{"type":"https://novatune.dev/errors/method-not-allowed","title":"Method not allowed","status":405,"#
                    + #""detail":"Only POST is allowed here.","instance":"/tracks/x/stream"}"#, .methodNotAllowed),
            Row(
                #"{"type":"https://novatune.dev/errors/content-too-large","title":"Content too large","status":413,"#
                    + #""detail":"The request body is larger than 16384 bytes.","instance":"/tracks/x/stream"}"#,
                .contentTooLarge),
        ] as [Row<Problem>])
    func bodyEqualsThatOfTheContract(_ row: Row<Problem>) {
        #expect(body(row.value) == row.name)
    }

    @Test(arguments: [
        Row("Processing", "Track is currently Processing. Please wait until processing completes."),
        Row("Failed", "Track is currently Failed. Its processing did not succeed."),
        Row("Deleted", "Track is currently Deleted. It cannot be streamed."),
        Row("Archived", "Track is currently Archived. It cannot be streamed."),
    ])
    func conflictNamesTrackAndStatus(_ row: Row<String>) {
        let problem = Problem.trackNotReady(Facts.trackID, TrackStatus(rawValue: row.name))
        #expect(
            body(problem, instance: "/tracks/01HXK5Z8J3QW9R7N2M4P6T8V0C/stream")
                == #"{"type":"https://novatune.dev/errors/track-not-ready","title":"Track not ready for streaming","status":409,"#
                + #""detail":"\#(row.value)","instance":"/tracks/01HXK5Z8J3QW9R7N2M4P6T8V0C/stream","#
                + #""extensions":{"trackId":"01HXK5Z8J3QW9R7N2M4P6T8V0C","currentStatus":"\#(row.name)"}}"#)
    }

    @Test func instanceIsEscaped() {
        #expect(body(.notFound, instance: #"/"\x"#).hasSuffix(#""instance":"/\"\\x"}"#))
    }

    @Test func causeOfAFailureIsNotInTheBody() {
        let problem = Problem.serviceUnavailable(Self.unavailable)
        #expect(!body(problem).contains("canary"))
        #expect(problem.cause == Self.unavailable)
        #expect(problem.retryAfterSeconds == 7)
    }

    @Test(arguments: [Row("0", 1), Row("-5", 1), Row("1", 1), Row("30", 30)] as [Row<Int>])
    func retryAfterIsAtLeastASecond(_ row: Row<Int>) throws {
        let asked = try #require(Int(row.name))
        #expect(
            Problem.serviceUnavailable(Unavailable(.objectStore, code: "c", reason: "r", retryAfterSeconds: asked))
                .retryAfterSeconds
                == row.value)
    }

    @Test func onlyUnauthorizedHasAChallenge() {
        #expect(Problem.unauthorized(.missing).challenge == .noToken)
        #expect(Problem.unauthorized(.sessionEnded).challenge == .invalidToken)
        for problem in [
            Problem.forbidden, .invalidTrackID, .trackNotFound, .notFound, .serviceUnavailable(Self.unavailable),
        ] {
            #expect(problem.challenge == nil)
        }
    }
}
