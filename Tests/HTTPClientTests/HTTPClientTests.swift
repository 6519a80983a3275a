import HTTPClient
import TestSupport
import Testing

@Suite struct HTTPClientTests {
    private func head(_ behaviour: UnhelpfulServer.Behaviour, timeout: Duration = .seconds(30)) -> Result<
        Int, HTTPError
    > {
        let server = UnhelpfulServer(behaviour)
        return Result { () throws(HTTPError) in try HTTPClient().head(server.url, timeout: timeout) }
    }

    private func code(_ result: Result<Int, HTTPError>) -> String? {
        if case .failure(let error) = result { error.code } else { nil }
    }

    @Test func statusIsThatOfTheServer() {
        #expect(head(.answering([.status(404)])) == .success(404))
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le", "garbage\r\n\r\n"])
    func malformedResponseIsLost(text: String) {
        #expect(code(head(.answering([UnhelpfulServer.Answer(text, closes: true)]))) == "lost")
    }

    @Test func silenceIsATimeoutAndEndlessHeadersAreTooLarge() {
        #expect(code(head(.silent, timeout: .milliseconds(50))) == "timeout")
        #expect(code(head(.flooding)) == "too_large")
    }

    @Test func namedHeaderFieldsAreReadInAnyCase() throws {
        let answer =
            "HTTP/1.1 206 Partial\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nab"
        let server = UnhelpfulServer(.answering([UnhelpfulServer.Answer(answer)]))
        let response = try HTTPClient().get(
            server.url, timeout: .seconds(30), responseLimit: 100, reading: ["date", "X-A", "absent"])
        #expect(response.status == 206 && response.body == Array("ab".utf8))
        #expect(response.headers == ["date": "Sun, 06 Nov 1994 08:49:37 GMT", "X-A": "1"])
        #expect(HTTPDate.seconds(response.headers["date"] ?? "") == 784_111_777)
    }

    @Test func linesOfAListAreCombined() throws {
        let answer = "HTTP/1.1 200 OK\r\nX-A: 1, 2\r\nOther: 0\r\nx-a: 3\r\nX-B: 4\r\nContent-Length: 0\r\n\r\n"
        let server = UnhelpfulServer(.answering([UnhelpfulServer.Answer(answer)]))
        let response = try HTTPClient().get(
            server.url, timeout: .seconds(30), responseLimit: 100, lists: ["x-a", "X-B", "absent"])
        #expect(response.headers == ["x-a": "1, 2, 3", "X-B": "4"])
    }

    @Test(arguments: ["", "yesterday"])
    func textThatIsNoDateIsNoTime(_ text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }

    @Test func certificateFileThatIsMissingIsATLSError() {
        let server = UnhelpfulServer(.silent)
        let url = server.url.replacing("http:", with: "https:")
        for files in [
            TLSFiles(certificateAuthorities: "/no/such/file.pem"), TLSFiles(clientCertificate: "/no/such/file.pem"),
        ] {
            let client = HTTPClient(files)
            let result = Result { () throws(HTTPError) in try client.head(url, timeout: .seconds(30)) }
            #expect(code(result) == "tls")
        }
    }
}
