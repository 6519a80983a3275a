import HTTPClient
import TestSupport
import Testing

@Suite struct HTTPClientTests {
    private func head(_ behaviour: UnhelpfulServer.Behaviour, timeout: Duration = .seconds(30)) -> Result<Int, HTTPError> {
        let server = UnhelpfulServer(behaviour)
        return Result { () throws(HTTPError) in try HTTPClient().head(server.url, timeout: timeout) }
    }

    private func code(_ result: Result<Int, HTTPError>) -> String? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func statusIsTheServersOwn() {
        #expect(head(.answering([.status(404)])) == .success(404))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le", "garbage\r\n\r\n"])
    func answerThatIsNoneIsLost(text: String) {
        #expect(code(head(.answering([UnhelpfulServer.Answer(text, closes: true)]))) == "lost")
    }

    @Test func silenceIsATimeoutAndEndlessHeadersAreTooLarge() {
        #expect(code(head(.silent, timeout: .milliseconds(50))) == "timeout")
        #expect(code(head(.flooding)) == "too_large")
    }
}
