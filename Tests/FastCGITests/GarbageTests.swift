@testable import FastCGI
import TestSupport
import Testing

@Suite(.serialized) struct GarbageTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]

    @Test(
        arguments: [
            Row("HTTP", Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)),
            Row("zeros", [UInt8](repeating: 0, count: 64)),
            Row("ones", [UInt8](repeating: 255, count: 64)),
            Row("version 2", FastCGIRecords.record(1, [0, 1, 1, 0, 0, 0, 0, 0], version: 2)),
            Row("begin record without a body", FastCGIRecords.record(FastCGIRecords.beginRequest, [])),
            Row(
                "parameters that are shorter than they say",
                FastCGIRecords.begin(keep: true) + FastCGIRecords.record(4, [200, 200, 1])
                    + FastCGIRecords.record(4, [])),
            Row(
                "parameters with a negative length",
                FastCGIRecords.begin(keep: true)
                    + FastCGIRecords.record(4, [255, 255, 255, 255, 255, 255, 255, 255, 1])
                    + FastCGIRecords.record(4, [])),
        ] as [Row<[UInt8]>])
    func garbageClosesTheConnectionAndTheServerContinues(_ row: Row<[UInt8]>) throws {
        let server = try TestServer(workers: 1)
        for _ in 0..<3 {
            let bad = try server.connect()
            try bad.write(row.value)
            bad.finishWriting()
            while !bad.isClosed() {}
        }
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
        #expect(server.drain())
        #expect(server.server.openConnections == 0)
    }

    @Test func serverSurvivesEveryTruncationOfARequest() throws {
        let server = try TestServer(workers: 1)
        let request = FastCGIRecords.request(Self.echo, body: [1, 2, 3])
        for length in 0..<request.count {
            let client = try server.connect()
            try client.write(Array(request[..<length]))
            client.finishWriting()
            while !client.isClosed() {}
        }
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
        #expect(server.drain())
        #expect(server.server.openConnections == 0)
    }
}
