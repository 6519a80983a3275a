import Testing

@testable import StoreAuthorization

@Suite("The head of a store's request")
struct WebhookRequestTests {
    private func read(_ text: String, limit: Int = 1024) -> WebhookRequest.Reading {
        WebhookRequest.read(Array(text.utf8).span, limit: limit)
    }

    @Test("As Go's client of MinIO and libcurl of Ceph write it")
    func completeRequests() {
        let minIO = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nAuthorization: t 1\r\n\r\n{}"
        #expect(
            read(minIO) == .complete(WebhookRequest(body: 67..<69, tokens: [Array("t 1".utf8)], keepsConnection: true)))
        let rgw = "POST /x HTTP/1.1\r\nx-auth-token:\tt \r\nCONTENT-LENGTH: 0\r\nConnection: Close\r\n\r\nnext"
        #expect(
            read(rgw) == .complete(WebhookRequest(body: 76..<76, tokens: [Array("t".utf8)], keepsConnection: false)))
    }

    @Test("A client that waits for 100 (Continue)")
    func expectation() {
        let head = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
        #expect(read(head) == .incomplete(expectsContinue: true))
        #expect(read(head + "{") == .incomplete(expectsContinue: false))
    }

    @Test("At each byte before its end a request is incomplete")
    func prefixes() {
        let text = Array("POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc".utf8)
        for count in 0..<text.count {
            let reading = WebhookRequest.read(text.span.extracting(..<count), limit: 1024)
            #expect(reading == .incomplete(expectsContinue: false))
        }
    }

    @Test(
        "What is refused",
        arguments: [
            "GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.0\r\n\r\n", "POST /\r\n\r\n", "\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", "POST / HTTP/1.1\r\nno colon\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n",
            String(repeating: "x", count: 1024),
        ])
    func refused(_ text: String) {
        #expect(read(text) == .refused)
    }
}
