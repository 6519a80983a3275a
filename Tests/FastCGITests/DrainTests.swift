@testable import FastCGI
import Glibc
import Resilience
import TestSupport
import Testing

@Suite(.serialized) struct DrainTests {
    private static let echo: KeyValuePairs = ["METHOD": "POST", "PATH": "/a"]
    private static let wait: KeyValuePairs = ["METHOD": "POST", "PATH": "/wait"]

    @Test func idleServerDrainsImmediatelyAndRefusesConnections() throws {
        let server = try TestServer()
        // A drain that waited for its limit would not end.
        #expect(server.drain(within: .seconds(600)))
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
        // The one worker is busy: these are in the kernel's queue, written.
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

    @Test func idleKeptConnectionIsClosed() throws {
        let server = try TestServer()
        let kept = try (0..<5).map { _ in try server.connect() }
        for client in kept {
            try client.send(Self.echo)
            _ = try client.answer()
        }
        // A drain that waited for its limit would not end.
        #expect(server.drain(within: .seconds(600)))
        for client in kept { #expect(client.isClosed()) }
        #expect(server.server.openConnections == 0)
    }

    /// Served connections are cut immediately, others a moment later. A machine that stalls for the whole moment proves
    /// nothing, hence several attempts; a server without the moment fails all of them.
    @Test func newPeerThatWritesDuringADrainIsAnswered() throws {
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

    /// Descriptors that are kept back must not keep the socket.
    @Test func drainedSocketRefusesConnections() throws {
        let socket = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        func connect() -> Int32 {
            let client = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(client) }
            return unsafe withUnsafePointer(to: &address) { address in
                unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.connect(client, $0, length)
                } == 0
                    ? 0 : errno
            }
        }
        unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe _ = address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(socket.descriptor, $0, &length)
            }
        }
        let server = FastCGIServer(
            socket: socket, name: "test", workers: 1, reserve: (DescriptorReserve(size: 2), true)
        ) { _ in
            EchoHandler(Gate())
        }
        #expect(connect() == 0)
        #expect(server.drain(by: Deadline(after: .seconds(20))))
        #expect(connect() == ECONNREFUSED)
    }

    @Test func silentConnectionDoesNotDelayTheDrain() throws {
        let server = try TestServer()
        let silent = try server.connect()
        // A drain that waited for its limit would not end.
        #expect(server.drain(within: .seconds(600)))
        #expect(silent.isClosed())
    }

    @Test func drainThatCannotEndFailsAtItsDeadline() throws {
        let server = try TestServer(workers: 1)
        let client = try server.connect()
        try client.send(Self.wait)
        server.gate.waitUntilEntered()
        #expect(!server.drain(within: .milliseconds(50)))
        server.gate.open()
        #expect(try client.answer().body == "POST /wait 0")
        // The worker that it left behind has ended after its request.
        #expect(server.server.join(by: Deadline(after: .seconds(20))))
    }

    @Test func drainEndsAllThreads() throws {
        let directory = try TemporaryDirectory()
        let server = FastCGIServer(
            socket: try ListeningSocket(.unix(path: directory.path("s"))), name: "t-drain", workers: 2
        ) { _ in
            EchoHandler(Gate())
        }
        let names: Set = ["t-drain-0", "t-drain-1", "t-drain-watch"]
        #expect(ThreadNames.running.isSuperset(of: names))
        #expect(server.drain(by: Deadline(after: .seconds(20))))
        #expect(eventually { ThreadNames.running.isDisjoint(with: names) })
    }
}
