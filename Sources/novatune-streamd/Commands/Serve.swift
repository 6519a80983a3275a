import ArgumentParser
import FastCGI
import Glibc
import Logging
import Observability
import Resilience
import SealedCache

/// Answers requests until it is told to stop.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer requests on the FastCGI sockets (the default).",
        discussion: """
            Logs JSON lines to standard error. SIGTERM or SIGINT: accept nothing more, finish what was accepted, exit.

            \(SettingName.allHelp)

            EXIT CODES: 0 stopped as told; 71 a socket cannot be opened; 78 settings are not valid.
            """
    )

    /// Token checks take microseconds and wait for nothing: more threads would only take turns (Tests/Load).
    private static let gateWorkers = 2
    /// With three descriptors for each of at most 128 workers (database, cache, store) they stay below 1024, beyond which libfcgi's
    /// select(2) is undefined. nginx keeps 32 connections for each of its workers and makes a new one where one was closed.
    private static let streamConnections = 384
    private static let gateConnections = 128
    /// A request has its own deadline of 10 s.
    private static let drainLimit: Duration = .seconds(15)

    @OptionGroup var options: SettingsOptions

    func run() throws {
        let settings = try options.load()
        let level = settings.logLevel
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level) }
        // Before the first thread, so that all inherit it: signals are for this thread only.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])
        for name in settings.reserved { logger.warning("setting has no effect yet", metadata: ["setting": "\(name)"]) }

        let sockets = try openSockets(settings)
        let resources = Resources(settings, telemetry: Telemetry(logger))
        let monitor = DependencyMonitor(resources)
        InvalidationWatch.start(resources)
        let gate = FastCGIServer(socket: sockets.gate, name: "gate", workers: Self.gateWorkers, capacity: Self.gateConnections) { _ in
            GateRoute(resources, monitor)
        }
        let stream = FastCGIServer(socket: sockets.stream, name: "stream", workers: settings.workers, capacity: Self.streamConnections) {
            _ in
            StreamRoute(resources)
        }
        resources.telemetry.registry.gauge("fastcgi_connections", "Open connections on the stream socket.") {
            Double(stream.openConnections)
        }
        logger.info(
            "ready",
            metadata: [
                "version": "\(NovatuneStreamd.version)", "stream": "\(settings.listen)", "gate": "\(settings.gateListen)",
                "workers": "\(settings.workers)", "key_version": "\(settings.keyRing.current)",
            ])

        while signals.next() == SIGHUP { logger.notice("SIGHUP ignored: settings are read at start") }
        logger.info("draining")
        let isDrained = drain(gate, stream)
        logger.info("stopped", metadata: ["drained": "\(isDrained)"])
        // Threads that are still waiting for a dependency end with the process.
        Glibc.exit(0)
    }

    private func openSockets(_ settings: Settings) throws -> (stream: ListeningSocket, gate: ListeningSocket) {
        do {
            return (try ListeningSocket(settings.listen), try ListeningSocket(settings.gateListen))
        } catch {
            Console.error("\(error)")
            throw ExitCode(71)
        }
    }

    /// The gate first: nginx asks it before it turns to the stream socket, so what has passed the one still finds the other.
    private func drain(_ gate: FastCGIServer<GateRoute>, _ stream: FastCGIServer<StreamRoute>) -> Bool {
        let deadline = Deadline(after: Self.drainLimit)
        let isGateDrained = gate.drain(by: deadline)
        // How long nginx takes from the one answer to the other connection; nothing tells when the last has arrived.
        _ = poll(nil, 0, 100)
        return stream.drain(by: deadline) && isGateDrained
    }
}
