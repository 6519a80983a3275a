import Glibc
import TestSupport
import Testing

@testable import FastCGI

@Suite(.serialized) struct SlowPeerTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]

    private func expectAnswer(_ server: TestServer) throws {
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
    }

    /// Every read succeeds, the request never ends.
    @Test func tricklingPeerIsDisconnected() throws {
        let server = try TestServer(workers: 1, peerLimit: .milliseconds(200))
        let slow = try server.connect()
        let request = FastCGIRecords.begin(keep: true) + FastCGIRecords.record(4, [UInt8](repeating: 1, count: 60_000))
        #expect(throws: FastCGIClient.Failure.self) {
            for byte in request {
                try slow.write([byte])
                _ = poll(nil, 0, 5)
            }
        }
        try expectAnswer(server)
        #expect(server.drain() && server.server.openConnections == 0)
    }

    @Test(arguments: [1, 8, 9, 15, 16, 20, 30])
    func peerThatStopsInTheMiddleIsDisconnected(length: Int) throws {
        let server = try TestServer(workers: 1, peerLimit: .milliseconds(200))
        let silent = try server.connect()
        try silent.write(Array(FastCGIRecords.request(Self.echo, body: [1, 2, 3]).prefix(length)))
        // A single byte is not yet the begin of a request, and blocks no other peer.
        if length > 1 { #expect(silent.isClosed()) }
        try expectAnswer(server)
    }

    @Test func slowHandlerDoesNotDisconnectItsPeer() throws {
        let server = try TestServer(workers: 1, peerLimit: .milliseconds(100))
        let client = try server.connect()
        try client.send(["METHOD": "POST", "PATH": "/wait"])
        server.gate.waitUntilEntered()
        _ = poll(nil, 0, 600)
        server.gate.open()
        #expect(try client.answer().body == "POST /wait 0")
    }

    @Test func requestOfADisconnectedPeerIsNotHandled() throws {
        let server = try TestServer(workers: 1)
        let first = try server.connect()
        try first.send(["METHOD": "POST", "PATH": "/wait"])
        server.gate.waitUntilEntered()
        do {
            // It would wait at the gate, for ever.
            let gone = try server.connect()
            try gone.send(["METHOD": "POST", "PATH": "/wait"])
        }
        server.gate.open()
        #expect(try first.answer().body == "POST /wait 0")
        try expectAnswer(server)
        #expect(server.server.abandonedRequests == 1)
        #expect(server.drain() && server.server.openConnections == 0)
    }

    @Test func busyWorkersAreCountedAndDistinguishedFromStuckOnes() throws {
        let server = try TestServer(workers: 2)
        #expect(server.server.workers == 2 && server.server.busyWorkers == 0)
        #expect(server.server.makesProgress(within: .zero))
        let clients = try (0..<2).map { _ in try server.connect() }
        for client in clients {
            try client.send(["METHOD": "POST", "PATH": "/wait"])
            server.gate.waitUntilEntered()
        }
        #expect(server.server.busyWorkers == 2)
        #expect(server.server.makesProgress(within: .seconds(60)))
        #expect(!server.server.makesProgress(within: .zero))
        for _ in clients { server.gate.open() }
        for client in clients { _ = try client.answer() }
        while server.server.busyWorkers > 0 { sched_yield() }
        #expect(server.server.makesProgress(within: .zero))
    }
}
