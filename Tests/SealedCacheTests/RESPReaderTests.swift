import Testing

@testable import SealedCache

@Suite struct RESPReaderTests {
    private let reader = RESPReader()

    private func feed(_ text: String) throws {
        unsafe try Array(text.utf8).withUnsafeBytes { bytes in unsafe try reader.feed(bytes) }
    }

    private func expectProtocolError() {
        #expect { try reader.next() } throws: { ($0 as? ValueStoreError)?.code == "protocol" }
    }

    @Test func repliesOfEachKindAreRead() throws {
        try feed("+OK\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n$0\r\n\r\n-WRONGTYPE Operation \"secret\"\r\n")
        let expected: [RESPReply] = [
            .status("OK"), .integer(-7), .bulk(Array("a\r\n".utf8)), .null, .bulk([]), .error(name: "WRONGTYPE"),
        ]
        for reply in expected { #expect(try reader.next() == reply) }
        #expect(try reader.next() == nil)
        #expect(reader.unfinishedBytes == 0)
    }

    @Test func replyInSingleBytesIsRead() throws {
        let text = "$5\r\nhello\r\n"
        for scalar in text.unicodeScalars.dropLast() {
            try feed(String(scalar))
            #expect(try reader.next() == nil)
        }
        #expect(reader.unfinishedBytes > 0)
        try feed("\n")
        #expect(try reader.next() == .bulk(Array("hello".utf8)))
    }

    @Test(arguments: [
        "HTTP/1.1 400 Bad Request\r\n", "!", "$-\r\n", "$abc\r\nabc\r\n", ":\r\nx\r\n", "$99999999999999999999999\r\n",
    ])
    func invalidReplyIsAProtocolError(_ text: String) throws {
        try feed(text)
        // A line that hiredis 0.14 takes for a reply is none that is expected.
        #expect(throws: ValueStoreError.self) {
            while let reply = try reader.next() { _ = try StoreCommands.value(reply) }
            throw ValueStoreError.unexpectedReply
        }
    }

    @Test(arguments: ["*0\r\n", "*2\r\n:1\r\n:2\r\n", "*2000000000\r\n"])
    func arrayIsRefusedBeforeItIsAllocated(_ text: String) throws {
        try feed(text)
        expectProtocolError()
    }
}
