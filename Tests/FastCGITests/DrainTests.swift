@testable import FastCGI
import TestSupport
import Testing

@Suite(.serialized) struct DrainTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]
    private static let wait: KeyValuePairs = ["METHOD": "POST", "PATH": "/wait"]

    @Test func idleServerDrainsAtOnceAndLetsNobodyIn() throws {
        let server = try TestServer()
        let start = ContinuousClock.now
        #expect(server.drain())
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(throws: FastCGIClient.Failure.self) { try server.connect() }
    }

    @Test func requestInFlightFinishes() throws {
        let server = try TestServer(workers: 1)
        let client = try server.connect()
        try client.send(Self.wait)
        server.gate.waitUntilEntered()
        let draining = server.beginDraining()
        server.gate.open()
        #expect(try client.answer().body == "POST /wait 0")
        #expect(client.isClosed())
        #expect(draining.result().isDrained)
    }

    @Test func requestThatWasWrittenBeforeIsAnswered() throws {
        let server = try TestServer(workers: 1)
        let busy = try server.connect()
        try busy.send(Self.wait)
        server.gate.waitUntilEntered()
        // The one worker is busy: these lie in the kernel's queue, written.
        let waiting = try (0..<10).map { _ in try server.connect() }
        for client in waiting { try client.send(Self.echo) }
        let draining = server.beginDraining()
        server.gate.open()
        #expect(try busy.answer().body == "POST /wait 0")
        for client in waiting { #expect(try client.answer().body == "POST /a 0") }
        #expect(draining.result().isDrained)
    }

    @Test func requestOnAKeptConnectionThatWasWrittenBeforeIsAnswered() throws {
        let server = try TestServer(workers: 1)
        let kept = try (0..<5).map { _ in try server.connect() }
        for client in kept {
            try client.send(Self.echo)
            _ = try client.answer()
        }
        let busy = try server.connect()
        try busy.send(Self.wait)
        server.gate.waitUntilEntered()
        for client in kept { try client.send(["METHOD": "POST", "PATH": "/last"]) }
        let draining = server.beginDraining()
        server.gate.open()
        #expect(try busy.answer().body == "POST /wait 0")
        for client in kept {
            #expect(try client.answer().body == "POST /last 0")
            #expect(client.isClosed())
        }
        #expect(draining.result().isDrained)
    }

    @Test func idleKeptConnectionIsCut() throws {
        let server = try TestServer()
        let kept = try (0..<5).map { _ in try server.connect() }
        for client in kept {
            try client.send(Self.echo)
            _ = try client.answer()
        }
        let start = ContinuousClock.now
        #expect(server.drain())
        #expect(start.duration(to: .now) < .seconds(5))
        for client in kept { #expect(client.isClosed()) }
        #expect(server.server.openConnections == 0)
    }

    /// Served connections are cut at once, others a moment later. A machine that stalls for the whole moment proves nothing, hence
    /// several attempts; a server without the moment fails all of them.
    @Test func peerThatHasNotYetWrittenGetsAMomentToDoSo() throws {
        func attempt() throws -> Bool {
            let server = try TestServer()
            let kept = try server.connect()
            try kept.send(Self.echo)
            _ = try kept.answer()
            let late = try server.connect()
            let draining = server.beginDraining()
            #expect(kept.isClosed())
            let isAnswered = (try? late.send(Self.echo)) != nil && (try? late.answer().body) == "POST /a 0"
            #expect(draining.result().isDrained)
            return isAnswered
        }
        let isAnswered = try (0..<10).contains { _ in try attempt() }
        #expect(isAnswered)
    }

    @Test func silentConnectionDoesNotHoldTheDrain() throws {
        let server = try TestServer()
        let silent = try server.connect()
        let start = ContinuousClock.now
        #expect(server.drain())
        #expect(start.duration(to: .now) < .seconds(5))
        #expect(silent.isClosed())
    }

    @Test func drainThatCannotEndSaysSoAtItsDeadline() throws {
        let server = try TestServer(workers: 1)
        let client = try server.connect()
        try client.send(Self.wait)
        server.gate.waitUntilEntered()
        #expect(!server.drain(within: .milliseconds(50)))
        server.gate.open()
        #expect(try client.answer().body == "POST /wait 0")
    }
}
