@testable import FastCGI
import TestSupport
import Testing

@Suite(.serialized) struct FastCGIServerTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]

    @Test func requestIsAnswered() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.send(Self.echo, body: Array("12345".utf8), requestID: 0x0102)
        let answer = try client.answer()
        #expect(
            answer
                == .init(
                    output: "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nPOST /a 5",
                    requestID: 0x0102,
                    appStatus: 0,
                    protocolStatus: 0))
        #expect(server.drain())
    }

    @Test func connectionThatIsNotKeptIsClosedAfterItsAnswer() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.send(Self.echo, keep: false)
        #expect(try client.answer().body == "POST /a 0")
        #expect(client.isClosed())
        #expect(server.drain())
    }

    @Test func keptConnectionServesManyRequests() throws {
        let server = try TestServer()
        let client = try server.connect()
        for number in 0..<200 {
            try client.send(["METHOD": "POST", "PATH": "/\(number)"], body: [UInt8](repeating: 1, count: number))
            #expect(try client.answer().body == "POST /\(number) \(number)")
        }
        #expect(server.server.openConnections == 1)
        #expect(server.drain())
    }

    @Test func moreConnectionsThanWorkersAreAllServed() throws {
        let server = try TestServer(workers: 3)
        let clients = try (0..<40).map { _ in try server.connect() }
        for round in 0..<25 {
            for (index, client) in clients.enumerated() {
                try client.send(["METHOD": "GET", "PATH": "/\(round)/\(index)"])
            }
            for (index, client) in clients.enumerated() {
                #expect(try client.answer().body == "GET /\(round)/\(index) 0")
            }
        }
        #expect(server.server.openConnections == 40)
        #expect(server.drain())
    }

    @Test func idleAndSilentConnectionsHoldNoWorker() throws {
        let server = try TestServer(workers: 1)
        let silent = try (0..<5).map { _ in try server.connect() }
        let idle = try (0..<5).map { _ in try server.connect() }
        for client in idle {
            try client.send(Self.echo)
            _ = try client.answer()
        }
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
        #expect(silent.count + idle.count == 10)
        #expect(server.drain())
    }

    @Test(arguments: [0, 1, 8191, 8192, 8193, 16_384, 16_385, 200_000])
    func bodyIsReadToItsEndSoThatTheNextRequestIsParsed(_ length: Int) throws {
        let server = try TestServer(workers: 1)
        let client = try server.connect()
        for _ in 0..<2 {
            try client.send(Self.echo, body: [UInt8](repeating: 7, count: length))
            #expect(try client.answer().body == "POST /a \(length)")
        }
        #expect(server.drain())
    }

    @Test func largeAnswerIsComplete() throws {
        let server = try TestServer()
        let client = try server.connect()
        try client.send(["METHOD": "GET", "PATH": "/large/300000"])
        #expect(try client.answer().body == "GET /large/300000 0" + String(repeating: "x", count: 300_000))
        #expect(server.drain())
    }

    @Test func longAndUnusualParametersAreRead() throws {
        let server = try TestServer()
        let client = try server.connect()
        for path in [
            String(repeating: "p", count: 127), String(repeating: "p", count: 128),
            String(repeating: "é", count: 10_000), "", "a=b",
        ] {
            try client.send(["OTHER": "x", "METHOD": "GET", "PATH": path])
            #expect(try client.answer().body == "GET \(path) 0")
        }
        try client.send(["OTHER": "x"])
        #expect(try client.answer().body == "none none 0")
        #expect(server.drain())
    }

    @Test func peerThatDisconnectsBeforeItsAnswerDoesNotAffectOthers() throws {
        let server = try TestServer(workers: 1)
        for _ in 0..<20 { try server.connect().send(["METHOD": "GET", "PATH": "/large/100000"]) }
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
        #expect(server.drain())
    }
}
