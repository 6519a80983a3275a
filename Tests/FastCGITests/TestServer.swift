import Dispatch
@testable import FastCGI
import Glibc
import Resilience
import TestSupport

/// Two places in a request's life at which a test waits for it, or it for the test.
final class Gate: Sendable {
    private let started = DispatchSemaphore(value: 0)
    private let permitted = DispatchSemaphore(value: 0)

    /// The request is there, and stays until it may finish.
    func enter() {
        started.signal()
        permitted.wait()
    }

    func waitUntilEntered() { started.wait() }

    func open() { permitted.signal() }
}

/// Answers with what it got: method, path and length of the body. A request for `/wait` waits.
final class EchoHandler: RequestHandler {
    private let gate: Gate

    init(_ gate: Gate) { self.gate = gate }

    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse) {
        let path = request.parameter("PATH") ?? "none"
        if path == "/wait" {
            gate.enter()
        }
        response.start(status: 200)
        response.header("Content-Type", "text/plain")
        let padding = path.hasPrefix("/large/") ? String(repeating: "x", count: Int(path.dropFirst(7)) ?? 0) : ""
        response.finish(
            body: Array("\(request.parameter("METHOD") ?? "none") \(path) \(request.bodyLength)\(padding)".utf8))
    }
}

/// A server on a socket of its own.
final class TestServer: Sendable {
    let path: String
    let gate = Gate()
    let server: FastCGIServer<EchoHandler>
    private let directory: TemporaryDirectory

    init(workers: Int = 2, peerLimit: Duration = .milliseconds(4500)) throws {
        directory = try TemporaryDirectory()
        path = directory.path("s")
        let gate = gate
        server = FastCGIServer(
            socket: try ListeningSocket(.unix(path: path)), name: "test", workers: workers, peerLimit: peerLimit
        ) { _ in EchoHandler(gate) }
    }

    func connect() throws -> FastCGIClient { try FastCGIClient(path: path) }

    func drain(within limit: Duration = .seconds(20)) -> Bool { server.drain(by: Deadline(after: limit)) }

    /// Drains on a thread of its own; returns once it has begun.
    func beginDraining(within limit: Duration = .seconds(20)) -> Draining {
        let draining = Draining()
        let thread = WorkerThread(name: "drain") { [self] in
            let start = ContinuousClock.now
            let isDrained = drain(within: limit)
            draining.outcome.withLock { $0 = (isDrained, start.duration(to: .now)) }
        }
        draining.thread.withLock { $0 = thread }
        // The path goes first.
        while unsafe access(path, F_OK) == 0 { sched_yield() }
        return draining
    }

    final class Draining: Sendable {
        fileprivate let outcome = Locked<(isDrained: Bool, elapsed: Duration)?>(nil)
        fileprivate let thread = Locked<WorkerThread?>(nil)

        /// Waits for the end.
        func result() -> (isDrained: Bool, elapsed: Duration) {
            thread.withLock { $0 }?.join()
            return outcome.withLock { $0 } ?? (false, .zero)
        }
    }
}
