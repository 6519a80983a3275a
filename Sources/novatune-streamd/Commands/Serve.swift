import ArgumentParser
import BearerTokens
import Cryptography
import FastCGI
import Glibc
import KeyManagement
import Logging
import Observability
import RequestTraces
import Resilience
import SealedCache

/// Answers requests until it is told to stop.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer requests on the FastCGI sockets (the default).",
        discussion: """
            Logs JSON lines to standard error. SIGTERM or SIGINT: accept nothing more, finish what was accepted, exit. SIGHUP: read the settings and their files again and take key ring, \
            token keys, store credentials and log level from them; if anything is not valid, keep what there is. The same happens by itself within two seconds of a \
            change of any of these files. Tells systemd when it is ready, and while it makes progress.

            \(SettingName.allHelp)

            EXIT CODES: 0 stopped as told; 69 the key ring's service does not answer; 71 a socket cannot be opened; 78 settings are not valid.
            """
    )

    /// Health and metrics take microseconds and wait for nothing.
    private static let gateWorkers = 2
    /// With three descriptors for each of at most 128 workers (database, cache, store) they stay below 1024, beyond which libfcgi's
    /// select(2) is undefined. nginx keeps 32 connections for each of its workers and makes a new one where one was closed.
    private static let streamConnections = 384
    private static let gateConnections = 128
    /// For health and metrics where a lower limit is used up.
    private static let gateReserve = 8
    /// Longer than a request may take.
    private static let drainLimit: Duration = .seconds(15)
    /// For the last spans; within what the unit leaves for stopping.
    private static let spanLimit: Duration = .seconds(3)
    /// What a request may take beyond its own time: a slow peer, a cache write.
    private static let progressSlack: Duration = .seconds(20)

    @OptionGroup var options: SettingsOptions

    func run() throws {
        let log = LogWriter(descriptor: STDERR_FILENO)
        do {
            defer { log.finish() }
            try serve(log)
        }
        // Threads that are still waiting for a dependency end with the process.
        Glibc.exit(0)
    }

    private func serve(_ log: LogWriter) throws {
        let files = FileStamp(of: options.source.watchedPaths)
        let (settings, resources, level, logger) = try prepare(log)
        // Before the threads that libraries start, so that they inherit it: signals are for this thread only.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])

        let sockets = try openSockets(settings)
        logger.info("starting", metadata: ["version": "\(NovatuneStreamd.version)"])
        let monitor = DependencyMonitor(resources)
        monitor.expose(in: resources.telemetry)
        InvalidationWatch.start(resources)
        let reserve = DescriptorReserve(size: Self.gateReserve)
        let stream = FastCGIServer(
            socket: sockets.stream, name: "stream", workers: settings.workers, capacity: Self.streamConnections, reserve: (reserve, false)
        ) { _ in
            StreamRoute(resources)
        }
        watch(stream, resources.telemetry.registry)
        watch(log, resources.telemetry.registry)
        // It answers /metrics, where no name is to come later than others, its own included.
        let started = Locked<FastCGIServer<GateRoute>?>(nil)
        watchGate(started, resources.telemetry.registry)
        let gate = FastCGIServer(
            socket: sockets.gate, name: "gate", workers: Self.gateWorkers, capacity: Self.gateConnections, reserve: (reserve, true)
        ) { _ in
            GateRoute(resources, monitor)
        }
        started.withLock { $0 = gate }
        resources.telemetry.keyRingLoaded(settings, resources.secrets.value.secrets)
        logger.info(
            "ready",
            metadata: [
                "version": "\(NovatuneStreamd.version)", "stream": "\(settings.listen)", "gate": "\(settings.gateListen)",
                "workers": "\(settings.workers)", "key_version": "\(resources.secrets.value.secrets.keyRing.current)",
                "key_source": "\(settings.keyRingSource.name)",
            ])

        let manager = ServiceManager(environment: Environment.variables, processID: getpid())
        manager.ready()
        let progressLimit = settings.requestTimeout + Self.progressSlack
        var reloader = Reloader(options, settings, resources, level, taken: files)
        waiting: while true {
            switch signals.next(within: min(manager.heartbeat ?? Reloader.interval, Reloader.interval)) {
            case nil: reloader.reloadIfChanged()
            case SIGHUP:
                manager.reloading()
                reloader.reload()
                manager.ready()
            default: break waiting
            }
            resources.telemetry.failures.tellRest()
            resources.telemetry.objectFailures.tellRest()
            if stream.makesProgress(within: progressLimit), gate.makesProgress(within: progressLimit) {
                manager.isAlive()
            } else {
                logger.critical("no worker makes progress")
            }
        }
        manager.stopping()
        logger.info("draining")
        let isDrained = drain(gate, stream)
        resources.traces?.exporter.shutdown(by: Deadline(after: Self.spanLimit))
        logger.info("stopped", metadata: ["drained": "\(isDrained)"])
    }

    /// Secrets are held by `Resources` alone from here on, so that one that is replaced is dropped.
    private func prepare(_ log: LogWriter) throws -> (Settings, Resources, SharedLogLevel, Logger) {
        let loaded = try options.load()
        let level = SharedLogLevel(loaded.settings.logLevel)
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level, writer: log) }
        let resources = Resources(loaded.settings, loaded.secrets, telemetry: Telemetry(logger))
        return (loaded.settings, resources, level, resources.telemetry.logger)
    }

    private func watch(_ stream: FastCGIServer<StreamRoute>, _ registry: MetricRegistry) {
        registry.gauge("fastcgi_connections", "Open connections on the stream socket.") { Double(stream.openConnections) }
        registry.gauge("fastcgi_workers_busy", "Workers of the stream socket that have a request.") { Double(stream.busyWorkers) }
        registry.gauge("fastcgi_workers", "Workers of the stream socket.") { Double(stream.workers) }
        registry.count("requests_abandoned_total", "Requests whose connection was closed before they were worked on.") {
            Double(stream.abandonedRequests)
        }
    }

    private func watchGate(_ started: Locked<FastCGIServer<GateRoute>?>, _ registry: MetricRegistry) {
        registry.gauge("fastcgi_gate_connections", "Open connections on the gate socket.") {
            Double(started.withLock { $0 }?.openConnections ?? 0)
        }
        registry.gauge("fastcgi_gate_workers_busy", "Workers of the gate socket that have a request, of \(Self.gateWorkers).") {
            Double(started.withLock { $0 }?.busyWorkers ?? 0)
        }
    }

    private func watch(_ log: LogWriter, _ registry: MetricRegistry) {
        registry.gauge(
            "log_waiting_bytes", "Bytes of log lines that wait to be written; from \(LogWriter.capacity) on, requests wait up to 100 ms."
        ) {
            Double(log.waitingBytes)
        }
        registry.count("log_lines_dropped_total", "Log lines that are lost: the log is read too slowly, or cannot be written.") {
            Double(log.droppedLines)
        }
    }

    private func openSockets(_ settings: Settings) throws -> (stream: ListeningSocket, gate: ListeningSocket) {
        do {
            return (try ListeningSocket(settings.listen), try ListeningSocket(settings.gateListen))
        } catch {
            Console.error("\(error)")
            throw ExitCode(71)
        }
    }

    /// The gate last, so that health and metrics are answered until there is nothing left to do.
    private func drain(_ gate: FastCGIServer<GateRoute>, _ stream: FastCGIServer<StreamRoute>) -> Bool {
        let deadline = Deadline(after: Self.drainLimit)
        let isStreamDrained = stream.drain(by: deadline)
        return gate.drain(by: deadline) && isStreamDrained
    }
}
