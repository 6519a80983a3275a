import StreamIssuing
import TestSupport
import Testing

@testable import FastCGI
@testable import StreamResponder

/// What nginx/include/stream-request.conf takes from the exchange.
@Suite struct HeaderAnswerTests {
    private static let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!
    private static let lost = Unavailable(.database, code: "lost", reason: "lost", retryAfterSeconds: 7)

    private func lines(_ problem: Problem?, user: ULID? = nil, body: StaticString = "{}") -> [Substring] {
        var (text, response) = (JSONText(), FastCGIResponse())
        text.append(body)
        HeaderAnswer(problem: problem, allowanceKey: user?.description).write(text, to: &response)
        return String(decoding: response.bytes, as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
    }

    @Test func answerIs204WithStatusUserAndBodyInHeaders() {
        #expect(
            lines(nil, user: Self.user, body: "{\"streamUrl\":\"é\"}") == [
                "Status: 204 No Content", "X-Status: 200", "X-User-Id: 01HXK5Z8J3QW9R7N2M4P6T8V0B",
                "X-Answer: {\"streamUrl\":\"é\"}", "",
                "",
            ])
    }

    @Test(
        arguments: [
            Row("401", .unauthorized(.missing)), Row("403", .forbidden),
            Row("429", .rateLimitExceeded(RateLimit(perMinute: 60)!)),
            Row("400", .invalidTrackID), Row("404", .trackNotFound), Row("409", .trackNotReady(user, .processing)),
            Row("503", .serviceUnavailable(lost)), Row("503", .overloaded), Row("405", .methodNotAllowed),
            Row("413", .contentTooLarge),
        ] as [Row<Problem>])
    func problemIs204WithItsStatus(_ row: Row<Problem>) {
        let lines = lines(row.value)
        #expect(lines.first == "Status: 204 No Content")
        #expect(lines.contains("X-Status: \(row.name)"))
    }

    @Test func unauthorizedNamesNoUserAndCarriesItsChallenge() {
        #expect(
            lines(.unauthorized(.missing), user: Self.user) == [
                "Status: 204 No Content", "X-Status: 401", "X-Challenge: Bearer realm=\"novatune\"", "X-Answer: {}", "",
                "",
            ])
    }

    @Test func problemOfAKnownUserNamesTheUser() {
        #expect(lines(.trackNotFound, user: Self.user).contains("X-User-Id: 01HXK5Z8J3QW9R7N2M4P6T8V0B"))
    }

    @Test func answerWithoutAKnownUserNamesNoUser() {
        #expect(!lines(.forbidden).contains { $0.hasPrefix("X-User-Id") })
    }

    @Test func unavailableHasRetryAfter() {
        #expect(lines(.serviceUnavailable(Self.lost), user: Self.user).contains("X-Retry-After: 7"))
    }

    @Test func controlCharactersAddNoHeader() {
        #expect(lines(nil, body: "{}\r\nX-User-Id: other").contains("X-Answer: {}X-User-Id: other"))
    }
}
