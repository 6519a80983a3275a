import Resilience
import TestSupport
import Testing

@testable import FastCGI

@Suite(.serialized) struct FastCGILoopServerDrainTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]
    private static let wait: KeyValuePairs = ["METHOD": "POST", "PATH": "/wait"]

    /// The path may be another process's by the time that the second loop drains, and the descriptor's number another
    /// socket's.
    @Test func serversOfTwoLoopsCloseTheirOwnDescriptorsAndRemoveThePathOnce() throws {
        let directory = try TemporaryDirectory()
        let address = SocketAddress.unix(path: directory.path("s"))
        let loops = [RunningLoop(), RunningLoop()]
        let socket = try ListeningSocket(address)
        let sockets = [socket, try socket.duplicate()]
        let servers = zip(loops, sockets).map { FastCGILoopServer($0.loop, socket: $1, handler: EchoExchangeHandler()) }
        func drain(_ server: FastCGILoopServer) -> Bool {
            let outcome = Locked<Bool?>(nil)
            server.drain(within: .seconds(20)) { isDrained in outcome.withLock { $0 = isDrained } }
            return eventually { outcome.withLock { $0 } == true }
        }
        #expect(sockets[0].descriptor != sockets[1].descriptor)
        for server in servers { server.start() }
        #expect(drain(servers[0]))
        let successor = try ListeningSocket(address)
        #expect(drain(servers[1]))
        #expect(ListeningSocket.isListening(successor.descriptor))
        _ = try FastCGIClient(path: directory.path("s"))
        successor.close()
    }

    @Test func drainedServerAcceptsNoConnection() throws {
        let server = try LoopTestServer()
        let kept = try server.connect()
        try kept.send(Self.echo)
        _ = try kept.answer()
        let silent = try server.connect()
        #expect(server.drain())
        #expect(kept.isClosed() && silent.isClosed())
        #expect(throws: FastCGIClient.Failure.self) { try server.connect() }
    }

    @Test func requestsThatWereWrittenBeforeADrainAreAnswered() throws {
        let server = try LoopTestServer()
        let busy = try server.connect(), kept = try server.connect()
        try kept.send(Self.echo)
        _ = try kept.answer()
        try busy.send(Self.wait)
        #expect(eventually { server.handler.waiting == 1 })
        let queued = try (0..<10).map { _ in try server.connect() }
        for client in queued + [kept] { try client.send(Self.echo) }
        let outcome = server.beginDraining()
        for client in queued + [kept] { #expect(try client.answer().body == "POST /a 0") }
        #expect(outcome.withLock { $0 } == nil)
        server.open()
        #expect(try busy.answer().body == "POST /wait 0")
        #expect(busy.isClosed())
        #expect(eventually { outcome.withLock { $0 } == true })
    }

    @Test func drainThatCannotEndFailsAtItsLimit() throws {
        let server = try LoopTestServer()
        let client = try server.connect()
        try client.send(Self.wait)
        #expect(eventually { server.handler.waiting == 1 })
        #expect(!server.drain(within: .milliseconds(50)))
        server.open()
        #expect(try client.answer().body == "POST /wait 0")
    }
}
