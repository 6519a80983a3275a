import EventLoop
import Glibc
import Resilience
import TestSupport

@testable import FastCGI

/// Answers with what it got: method, path and length of the body. A request for `/wait` waits until the gate opens.
final class EchoExchangeHandler: ExchangeHandler {
    private let promises = Locked<[Promise<Void>]>([])
    private let isOpen = Locked(false)

    private let counts = Locked((begun: 0, ended: 0))
    private let answers = Locked(0)
    private let abandoned = Locked(0)

    /// Requests that learned that their peer was gone.
    var abandonedRequests: Int { abandoned.withLock { $0 } }

    /// Answers that were made, whether or not they could be written.
    var answered: Int { answers.withLock { $0 } }

    /// Tasks of the server, since its start.
    var tasks: (begun: Int, ended: Int) { counts.withLock { $0 } }
    /// Requests that wait.
    var waiting: Int { promises.withLock { $0.count } }

    nonisolated(nonsending) func serve(_ exchanges: ExchangeSource) async {
        counts.withLock { $0.begun += 1 }
        while let exchange = await exchanges.next() {
            await respond(to: exchange)
            answers.withLock { $0 += 1 }
        }
        counts.withLock { $0.ended += 1 }
    }

    private nonisolated(nonsending) func respond(to exchange: FastCGIExchange) async {
        let path = exchange.parameter("PATH") ?? "none"
        if path == "/wait", !isOpen.withLock({ $0 }) {
            let promise = Promise<Void>()
            promises.withLock { $0.append(promise) }
            exchange.whenAbandoned { [abandoned] in abandoned.withLock { $0 += 1 } }
            await promise.value()
        }
        exchange.response.start(status: 200)
        exchange.response.header("Content-Type", "text/plain")
        let padding = path.hasPrefix("/large/") ? String(repeating: "x", count: Int(path.dropFirst(7)) ?? 0) : ""
        exchange.response.finish(
            body: Array("\(exchange.parameter("METHOD") ?? "none") \(path) \(exchange.bodyLength)\(padding)".utf8))
    }

    func refuse(_ exchange: FastCGIExchange) -> Bool {
        exchange.response.start(status: 503)
        exchange.response.finish(body: Array("refused".utf8))
        return true
    }

    /// From now on requests for `/wait` wait.
    func close() { isOpen.withLock { $0 = false } }

    func open(on loop: EventLoop) {
        loop.execute { [self] in
            isOpen.withLock { $0 = true }
            for promise in promises.withLock({ $0 }) { promise.keep(()) }
            promises.withLock { $0 = [] }
        }
    }
}

/// A server on a socket and a loop of its own.
final class LoopTestServer {
    let path: String
    let running = RunningLoop()
    let handler = EchoExchangeHandler()
    let server: FastCGILoopServer
    private let directory: TemporaryDirectory

    init(_ change: (inout FastCGILoopServer.Limits) -> Void = { _ in }) throws {
        directory = try TemporaryDirectory()
        path = directory.path("s")
        var limits = FastCGILoopServer.Limits()
        change(&limits)
        server = FastCGILoopServer(
            running.loop, socket: try ListeningSocket(.unix(path: path)), limits: limits, handler: handler)
        server.start()
    }

    func connect() throws -> FastCGIClient { try FastCGIClient(path: path) }

    func open() { handler.open(on: running.loop) }

    /// Begins to drain; the result comes later.
    func beginDraining(within limit: Duration = .seconds(20)) -> Locked<Bool?> {
        let outcome = Locked<Bool?>(nil)
        server.drain(within: limit) { isDrained in outcome.withLock { $0 = isDrained } }
        return outcome
    }

    func drain(within limit: Duration = .seconds(20)) -> Bool {
        let outcome = beginDraining(within: limit)
        _ = eventually { outcome.withLock { $0 != nil } }
        return outcome.withLock { $0 } ?? false
    }
}
