@testable import FastCGI
import TestSupport
import Testing

/// RFC 3875 §6.3.
@Suite struct FastCGIResponseTests {
    private func text(_ response: FastCGIResponse) -> String { String(decoding: response.bytes, as: UTF8.self) }

    @Test func answerHasStatusHeadersLengthAndBody() {
        var response = FastCGIResponse()
        response.start(status: 409)
        response.header("Content-Type", "application/problem+json")
        response.finish(body: Array("é".utf8))
        #expect(
            text(response)
                == "Status: 409 Conflict\r\nContent-Type: application/problem+json\r\nContent-Length: 2\r\n\r\né")
    }

    @Test func answerWithoutBodyHasNoLength() {
        var response = FastCGIResponse()
        response.start(status: 204)
        response.finishWithoutBody()
        #expect(text(response) == "Status: 204 No Content\r\n\r\n")
    }

    @Test(arguments: ["a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\0X-Evil: 1", "a\u{7F}X-Evil: 1", "a\tX-Evil: 1"])
    func lineBreakInAValueMakesNoHeader(_ value: String) {
        var response = FastCGIResponse()
        response.start(status: 200)
        response.header("X", value)
        response.finishWithoutBody()
        #expect(text(response) == "Status: 200 OK\r\nX: aX-Evil: 1\r\n\r\n")
        response.start(status: 200)
        response.header("X", Array(value.utf8))
        response.finishWithoutBody()
        #expect(text(response) == "Status: 200 OK\r\nX: aX-Evil: 1\r\n\r\n")
    }

    @Test func reusedResponseKeepsNothingOfTheEarlierAnswer() {
        var response = FastCGIResponse()
        response.start(status: 200)
        response.finish(body: Array("secret".utf8))
        response.start(status: 503)
        response.finishWithoutBody()
        #expect(text(response) == "Status: 503 Service Unavailable\r\n\r\n")
    }

    @Test func everyStatusThatTheServiceAnswersHasItsPhrase() {
        for status in [200, 204, 400, 401, 403, 404, 405, 409, 413, 429, 503] {
            var response = FastCGIResponse()
            response.start(status: status)
            #expect(!text(response).contains("Status: \(status) Status"))
        }
    }
}
