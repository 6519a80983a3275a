import Glibc
import Resilience
import TestSupport
import Testing

@testable import FastCGI

@Suite(.serialized) struct FastCGILoopServerTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]
    private static let wait: KeyValuePairs = ["METHOD": "POST", "PATH": "/wait"]

    private func expectAnswer(_ server: LoopTestServer) throws {
        let client = try server.connect()
        try client.send(Self.echo)
        #expect(try client.answer().body == "POST /a 0")
    }

    @Test func requestIsAnswered() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        try client.send(Self.echo, body: Array("12345".utf8), requestID: 0x0102)
        let output = "Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nPOST /a 5"
        #expect(try client.answer() == .init(output: output, requestID: 0x0102, appStatus: 0, protocolStatus: 0))
        #expect(server.drain())
    }

    @Test func connectionThatIsNotKeptIsClosedAfterItsAnswer() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        try client.send(Self.echo, keep: false)
        #expect(try client.answer().body == "POST /a 0")
        #expect(client.isClosed())
        #expect(server.drain())
    }

    @Test func keptConnectionServesManyRequests() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        for number in 0..<200 {
            try client.send(["METHOD": "POST", "PATH": "/\(number)"], body: [UInt8](repeating: 1, count: number))
            #expect(try client.answer().body == "POST /\(number) \(number)")
        }
        #expect(server.server.openConnections == 1 && server.server.requestsInHand == 0)
        #expect(server.drain())
    }

    @Test func oneTaskAnswersRequestsThatFollowEachOther() throws {
        let server = try LoopTestServer()
        for _ in 0..<20 { try expectAnswer(server) }
        #expect(server.handler.tasks == (1, 0))
        #expect(server.drain())
        #expect(eventually { server.handler.tasks == (1, 1) })
    }

    @Test func tasksAfterABurstEndExceptTheIdleLimit() throws {
        let server = try LoopTestServer()
        for _ in 0..<2 {
            let waiting = try (0..<200).map { _ in try server.connect() }
            for client in waiting { try client.send(Self.wait) }
            #expect(eventually { server.handler.waiting == 200 })
            server.open()
            for client in waiting { #expect(try client.answer().body == "POST /wait 0") }
            #expect(eventually { server.handler.tasks.begun - server.handler.tasks.ended == 64 })
            server.handler.close()
        }
        #expect(server.handler.tasks.begun == 200 + 136)
        #expect(server.drain())
        #expect(eventually { server.handler.tasks == (336, 336) })
    }

    @Test func peerThatWritesTwoRequestsAtATimeIsDisconnected() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        try client.write(FastCGIRecords.request(Self.echo) + FastCGIRecords.request(Self.echo))
        #expect(client.isClosed())
        try expectAnswer(server)
        #expect(server.drain())
    }

    @Test func waitingRequestsAndSilentConnectionsDelayNoOther() throws {
        let server = try LoopTestServer()
        let silent = try (0..<20).map { _ in try server.connect() }
        let waiting = try (0..<200).map { _ in try server.connect() }
        for client in waiting { try client.send(Self.wait) }
        #expect(eventually { server.handler.waiting == 200 })
        try expectAnswer(server)
        #expect(server.server.requestsInHand == 200)
        server.open()
        for client in waiting { #expect(try client.answer().body == "POST /wait 0") }
        #expect(silent.count == 20)
        #expect(server.drain())
    }

    @Test func requestBeyondTheLimitIsRefusedAndItsConnectionKept() throws {
        let server = try LoopTestServer { $0.requests = 2 }
        let waiting = try (0..<2).map { _ in try server.connect() }
        for client in waiting { try client.send(Self.wait) }
        #expect(eventually { server.handler.waiting == 2 })
        let refused = try server.connect()
        try refused.send(Self.echo)
        #expect(try refused.answer().output.hasPrefix("Status: 503"))
        server.open()
        for client in waiting { #expect(try client.answer().body == "POST /wait 0") }
        try refused.send(Self.echo)
        #expect(try refused.answer().body == "POST /a 0")
        #expect(server.server.refusedRequests == 1)
        #expect(server.drain())
    }

    @Test func longestIdleConnectionIsClosedForANewOne() throws {
        let server = try LoopTestServer { $0.connections = 3 }
        let clients = try (0..<4).map { _ in
            let client = try server.connect()
            try client.send(Self.echo)
            #expect(try client.answer().body == "POST /a 0")
            return client
        }
        #expect(clients[0].isClosed())
        #expect(server.server.openConnections == 3)
        #expect(server.drain())
    }

    @Test(arguments: [0, 1, 8191, 8192, 8193, 16_385, 60_000])
    func bodyIsReadToItsEndSoThatTheNextRequestIsParsed(_ length: Int) throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        for _ in 0..<2 {
            try client.send(Self.echo, body: [UInt8](repeating: 7, count: length))
            #expect(try client.answer().body == "POST /a \(length)")
        }
        #expect(server.drain())
    }

    @Test func requestBeyondTheLengthLimitClosesOnlyItsConnection() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        try? client.send(Self.echo, body: [UInt8](repeating: 7, count: 100_000))
        #expect(client.isClosed())
        try expectAnswer(server)
        #expect(server.drain())
    }

    @Test func requestInPiecesOfAnyLengthIsAnswered() throws {
        let server = try LoopTestServer()
        let request = FastCGIRecords.request(Self.echo, body: [1, 2, 3])
        for step in [1, 7, 8, 37] {
            let client = try server.connect()
            for start in stride(from: 0, to: request.count, by: step) {
                try client.write(Array(request[start..<min(start + step, request.count)]))
            }
            #expect(try client.answer().body == "POST /a 3")
        }
        #expect(server.drain())
    }

    // MARK: Peers that misbehave

    @Test func everyTruncationOfARequestClosesOnlyItsConnection() throws {
        let server = try LoopTestServer()
        let request = FastCGIRecords.request(Self.echo, body: [1, 2, 3])
        for length in 0..<request.count {
            let client = try server.connect()
            try client.write(Array(request[..<length]))
            client.finishWriting()
            while !client.isClosed() {}
        }
        try expectAnswer(server)
        #expect(server.drain() && server.server.openConnections == 0)
    }

    @Test func randomBytesCloseOnlyTheirConnection() throws {
        let server = try LoopTestServer()
        var random = SeededRandom(seed: 3)
        let request = FastCGIRecords.request(Self.echo, body: [1, 2, 3])
        for _ in 0..<500 {
            let client = try server.connect()
            try? client.write(random.mutated(request))
            client.finishWriting()
            while !client.isClosed() {}
        }
        try expectAnswer(server)
        #expect(server.drain() && server.server.openConnections == 0)
    }

    @Test(arguments: [1, 9, 20, 30]) func peerThatStopsInTheMiddleIsDisconnected(length: Int) throws {
        let server = try LoopTestServer { $0.arrival = .milliseconds(100) }
        let silent = try server.connect()
        try silent.write(Array(FastCGIRecords.request(Self.echo, body: [1, 2, 3]).prefix(length)))
        #expect(silent.isClosed())
        try expectAnswer(server)
    }

    @Test func peerThatNeverReadsIsDisconnectedAndBlocksNothing() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        let request = FastCGIRecords.request(["METHOD": "GET", "PATH": "/large/30000"])
        #expect(eventually { server.server.openConnections == 1 })
        // Each request once the one before it was answered, and no answer is read.
        var written = 0
        while written < 40, (try? client.write(request)) != nil {
            written += 1
            #expect(eventually { server.handler.answered == written || server.server.openConnections == 0 })
        }
        #expect(eventually { server.server.openConnections == 0 })
        // Two fit into what is safe, and the third does not.
        #expect(server.handler.answered == 3)
        try expectAnswer(server)
        #expect(server.drain())
    }

    @Test func readingPeerIsNeverDisconnectedAsStalled() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        for _ in 0..<100 {
            try client.send(["METHOD": "GET", "PATH": "/large/30000"])
            #expect(try client.answer().body.utf8.count > 30_000)
        }
        #expect(server.server.openConnections == 1)
        #expect(server.drain())
    }

    @Test func requestOfAPeerGoneBeforeItIsReadIsNotHandled() throws {
        let server = try LoopTestServer()
        try server.connect().send(Self.wait)
        #expect(eventually { server.server.abandonedRequests == 1 || server.handler.abandonedRequests == 1 })
        server.open()
        #expect(eventually { server.server.requestsInHand == 0 })
        #expect(server.drain() && server.server.openConnections == 0)
    }

    @Test func peerThatDisconnectsBeforeItsAnswerIsAbandoned() throws {
        let server = try LoopTestServer()
        do {
            let peer = try server.connect()
            try peer.send(Self.wait)
            #expect(eventually { server.handler.waiting == 1 })
            #expect(server.handler.abandonedRequests == 0)
        }
        #expect(eventually { server.server.abandonedRequests == 1 && server.handler.abandonedRequests == 1 })
        server.open()
        try expectAnswer(server)
        #expect(server.handler.abandonedRequests == 1, "the next request in the same exchange is not abandoned")
        #expect(eventually { server.server.requestsInHand == 0 })
        #expect(server.drain() && server.server.openConnections == 0)
    }
}
