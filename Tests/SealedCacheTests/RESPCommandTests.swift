import Testing

@testable import SealedCache

@Suite struct RESPCommandTests {
    private func text(_ command: RESPCommand) -> String { String(decoding: command.bytes, as: UTF8.self) }

    @Test func commandIsAnArrayOfBulkStrings() {
        #expect(text(RESPCommand("PING")) == "*1\r\n$4\r\nPING\r\n")
        #expect(text(RESPCommand("GET", ["käy"])) == "*2\r\n$3\r\nGET\r\n$4\r\nkäy\r\n")
    }

    @Test func emptyArgumentsKeepTheirPlaces() {
        #expect(text(RESPCommand("SET", ["", ""])) == "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n")
    }

    @Test func valueMayHoldAnyByte() {
        var command = RESPCommand("SET", ["k"])
        command.append(Array(0...255))
        #expect(
            command.bytes == Array("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$256\r\n".utf8) + Array(0...255) + Array("\r\n".utf8))
    }
}
