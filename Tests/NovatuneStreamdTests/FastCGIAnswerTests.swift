import Testing

@testable import novatune_streamd

@Suite struct FastCGIAnswerTests {
    private func record(_ kind: UInt8, _ content: String, padding: Int = 0) -> [UInt8] {
        let bytes = Array(content.utf8)
        let head: [UInt8] = [1, kind, 0, 1, UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF), UInt8(padding), 0]
        return head + bytes + [UInt8](repeating: 0, count: padding)
    }

    private let end: [UInt8] = [1, 3, 0, 1, 0, 8, 0, 0] + [UInt8](repeating: 0, count: 8)

    @Test func requestHasTheRecordsOfAWebServer() {
        let records: [[UInt8]] = [
            [1, 1, 0, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],  // FCGI_BEGIN_REQUEST, a responder, not kept
            [1, 4, 0, 1, 0, 5, 0, 0, 1, 2, 0x41, 0x62, 0x63],  // FCGI_PARAMS
            [1, 4, 0, 1, 0, 0, 0, 0], [1, 5, 0, 1, 0, 0, 0, 0],
        ]
        #expect(FastCGIAnswer.request(["A": "bc"]) == Array(records.joined()))
    }

    @Test func answerOfSeveralRecordsIsReadAsOne() throws {
        let bytes =
            record(6, "Status: 503 Service Unavail", padding: 5) + record(7, "a message")
            + record(6, "able\r\nContent-Type: a/b\r\n\r\n{}") + record(6, "") + end
        #expect(try FastCGIAnswer.read(bytes) == FastCGIAnswer(status: 503, body: Array("{}".utf8)))
    }

    @Test func everyShorterPieceIsIncomplete() throws {
        let bytes = record(6, "Status: 200\r\n\r\nbody", padding: 3) + end
        for count in 0..<bytes.count { #expect(try FastCGIAnswer.read(Array(bytes.prefix(count))) == nil) }
        #expect(try FastCGIAnswer.read(bytes)?.status == 200)
    }

    @Test func answerWithoutAStatusIs200() throws {
        #expect(try FastCGIAnswer.read(record(6, "Content-Type: a/b\r\n\r\n") + end)?.status == 200)
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n\r\n", "\0\0\0\u{1}\0\0\0\0", "{}"])
    func anotherProtocolIsRefused(bytes: String) {
        #expect(throws: GateError.notFastCGI) { try FastCGIAnswer.read(Array(bytes.utf8)) }
    }

    @Test(arguments: ["", "Status: 200", "Status: soon\r\n\r\n", "Status: 99\r\n\r\n"])
    func answerWithoutAValidHeadIsRefused(head: String) {
        #expect(throws: GateError.notFastCGI) { try FastCGIAnswer.read(record(6, head) + end) }
    }

    @Test func recordsOfAClientAreRefused() {
        #expect(throws: GateError.notFastCGI) { try FastCGIAnswer.read(record(4, "")) }
    }
}
