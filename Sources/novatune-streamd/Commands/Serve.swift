import ArgumentParser
import BearerTokens
import Cryptography
import EventLoop
import FastCGI
import Glibc
import KeyManagement
import Logging
import Observability
import RequestTraces
import Resilience
import SealedCache
import StreamResponder

/// Answers requests until it receives a signal to stop.
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
    private static let gateConnections = 128
    /// Descriptors for health and metrics where a lower limit is used up.
    private static let gateReserve = 8
    /// Longer than a request may take.
    private static let drainLimit: Duration = .seconds(15)
    /// For the last spans; within what the unit leaves for stopping.
    private static let spanLimit: Duration = .seconds(3)
    /// For the threads that no request needs any more; it runs together with `spanLimit`. Threads that still wait for a dependency then
    /// end with the process.
    private static let threadLimit: Duration = .seconds(1)
    /// A turn of a loop takes milliseconds; a loop whose turn takes longer than this has stopped.
    private static let turnLimit: Duration = .seconds(10)
    private static let gateProgressLimit: Duration = .seconds(20)

    @OptionGroup var options: SettingsOptions

    /// The cost of observability is measured against a run with this flag (Tests/Load/run --telemetry).
    @Flag(help: ArgumentHelp("Make no log line, figure or span of a request: for measuring what they cost.", visibility: .hidden))
    var unobserved = false

    func run() throws {
        let log = LogWriter(descriptor: STDERR_FILENO)
        defer { log.stop() }
        try serve(log)
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
        monitor.start()
        let invalidations = InvalidationSubscriber(resources)
        invalidations.start()
        let reserve = DescriptorReserve(size: Self.gateReserve)
        let loops = zip(0..., sockets.stream).map { RequestLoop($0, resources, socket: $1, reserve: reserve) }
        watch(loops, resources.telemetry.registry)
        watch(log, resources.telemetry.registry)
        // It answers /metrics, where every name must exist from the beginning, its own included.
        let started = Locked<FastCGIServer<GateRoute>?>(nil)
        watchGate(started, resources.telemetry.registry)
        let gate = FastCGIServer(
            socket: sockets.gate, name: "gate", workers: Self.gateWorkers, capacity: Self.gateConnections, reserve: (reserve, true)
        ) { _ in
            GateRoute(resources.telemetry.registry, Readiness(monitor: monitor, telemetry: resources.telemetry))
        }
        started.withLock { $0 = gate }
        for loop in loops { loop.start() }
        resources.telemetry.keyRingLoaded(settings, resources.secrets.value.secrets)
        logger.info(
            "ready",
            metadata: [
                "version": "\(NovatuneStreamd.version)", "stream": "\(settings.listen)", "gate": "\(settings.gateListen)",
                "loops": "\(settings.loops)", "key_version": "\(resources.secrets.value.secrets.keyRing.current)",
                "key_source": "\(settings.keyRingSource.name)",
            ])

        let manager = ServiceManager(environment: Environment.variables, processID: getpid())
        manager.ready()
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
            resources.telemetry.failures.flushSuppressed()
            resources.telemetry.requests.objectFailures.flushSuppressed()
            if loops.allSatisfy({ $0.makesProgress(within: Self.turnLimit) }), gate.makesProgress(within: Self.gateProgressLimit) {
                manager.isAlive()
            } else {
                logger.critical("request loop stalled")
            }
        }
        manager.stopping()
        logger.info("draining")
        let isDrained = drain(gate, loops)
        stop(monitor, invalidations, gate, loops, resources)
        logger.info("stopped", metadata: ["drained": "\(isDrained)"])
    }

    /// Ends all threads but the log's.
    private func stop(
        _ monitor: DependencyMonitor, _ invalidations: InvalidationSubscriber, _ gate: FastCGIServer<GateRoute>, _ loops: [RequestLoop],
        _ resources: Resources
    ) {
        let (deadline, spanDeadline) = (Deadline(after: Self.threadLimit), Deadline(after: Self.spanLimit))
        monitor.stop()
        invalidations.stop()
        gate.join(by: deadline)
        for loop in loops { loop.stop(by: deadline) }
        monitor.join(by: deadline)
        invalidations.join(by: deadline)
        resources.stop(by: deadline, spansBy: spanDeadline)
    }

    /// From here on only `Resources` holds the secrets, so that one that is replaced is dropped.
    private func prepare(_ log: LogWriter) throws -> (Settings, Resources, SharedLogLevel, Logger) {
        let loaded = try options.load()
        let level = SharedLogLevel(loaded.settings.logLevel)
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level, writer: log) }
        let resources = Resources(loaded.settings, loaded.secrets, telemetry: Telemetry(logger), observesRequests: !unobserved)
        return (loaded.settings, resources, level, resources.telemetry.logger)
    }

    private func watch(_ loops: [RequestLoop], _ registry: MetricRegistry) {
        func sum(_ figure: @escaping @Sendable (RequestLoop) -> Int) -> @Sendable () -> Double {
            { Double(loops.reduce(0) { $0 + figure($1) }) }
        }
        registry.gauge("fastcgi_connections", "Open connections on the stream socket.", sum { $0.server.openConnections })
        registry.gauge("fastcgi_requests_in_hand", "Requests that are being answered.", sum { $0.server.requestsInHand })
        registry.count(
            "requests_abandoned_total", "Requests whose client was gone before they were answered.", sum { $0.server.abandonedRequests })
        registry.count(
            "requests_refused_total", "Requests that were refused because too many were in hand.", sum { $0.server.refusedRequests })
        registry.gauge(
            "object_store_calls_waiting", "Requests that wait for the object store now.", sum { $0.requestsWaitingForObjects })
        registry.counts("event_loop_busy_seconds_total", "Time in which an event loop had something to do.", label: "loop") {
            loops.enumerated().map { ("\($0)", $1.loop.busyTime / .seconds(1)) }
        }
    }

    private func watchGate(_ started: Locked<FastCGIServer<GateRoute>?>, _ registry: MetricRegistry) {
        registry.gauge("fastcgi_gate_connections", "Open connections on the gate socket.") {
            Double(started.withLock { $0 }?.openConnections ?? 0)
        }
        registry.gauge("fastcgi_gate_workers_busy", "Threads of the gate socket that have a request, of \(Self.gateWorkers).") {
            Double(started.withLock { $0 }?.busyWorkers ?? 0)
        }
    }

    private func watch(_ log: LogWriter, _ registry: MetricRegistry) {
        registry.gauge(
            "log_waiting_bytes", "Bytes of log lines that wait to be written; from \(LogWriter.capacity) on, further lines are dropped."
        ) {
            Double(log.waitingBytes)
        }
        registry.count("log_lines_dropped_total", "Log lines that are lost: the log is read too slowly, or cannot be written.") {
            Double(log.droppedLines)
        }
    }

    /// - Returns: of the stream socket one descriptor for each loop.
    private func openSockets(_ settings: Settings) throws -> (stream: [ListeningSocket], gate: ListeningSocket) {
        do {
            let stream = try ListeningSocket(settings.listen)
            return (try [stream] + (1..<settings.loops).map { _ in try stream.duplicate() }, try ListeningSocket(settings.gateListen))
        } catch {
            Console.error("\(error)")
            throw ExitCode(71)
        }
    }

    /// The health socket is closed last.
    private func drain(_ gate: FastCGIServer<GateRoute>, _ loops: [RequestLoop]) -> Bool {
        let deadline = Deadline(after: Self.drainLimit)
        let drains = loops.map { $0.drain(within: Self.drainLimit) }
        let areDrained = drains.map { $0.wait(until: deadline) }.allSatisfy { $0 }
        return gate.drain(by: deadline) && areDrained
    }
}
