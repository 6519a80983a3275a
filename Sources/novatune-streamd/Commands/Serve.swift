import ArgumentParser
import Cryptography
import Glibc
import KeyManagement
import Logging
import Observability
import ProviderKeys
import RequestTraces
import Resilience
import StreamResponder

/// Answers requests until it receives a signal to stop.
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Answer requests on the FastCGI sockets (the default).",
        discussion: """
            Logs JSON lines to standard error, each with its priority where systemd's journal reads them. SIGTERM or \
            SIGINT: accept nothing more, finish what was accepted, exit. SIGHUP: read the settings and their files \
            again and take key ring, token keys, store credentials and log level from them; if anything is not valid, \
            keep the former ones. The service does the same within two seconds of a change of any of these files. \
            Notifies systemd when it is ready, and while it makes progress.

            SETTINGS (default — meaning; durations are 120s, 2m, 500ms or 00:02:00):
            \(SettingsText.help(AllSettings.groups))

            EXIT CODES: 0 stopped by a signal; 69 the key ring's service or the identity provider does not answer; 71 a socket cannot be \
            opened; 78 settings are not valid.
            """
    )

    @OptionGroup var options: SettingsOptions

    /// The cost of observability is measured against a run with this flag (Tests/Load/run --telemetry).
    @Flag(
        help: ArgumentHelp(
            "Make no log line, figure or span of a request: for measuring what they cost.", visibility: .hidden))
    var unobserved = false

    func run() throws {
        let isReadByJournal = Journal.reads(STDERR_FILENO, environment: Environment.variables)
        let log = LogWriter(descriptor: STDERR_FILENO, isReadByJournal: isReadByJournal)
        defer { log.stop() }
        try serve(log)
    }

    private func serve(_ log: LogWriter) throws {
        let files = FileStamp(of: options.source.watchedPaths)
        let (settings, resources, level) = try prepare(log)
        let logger = resources.telemetry.logger
        // Before the threads that libraries start, so that they inherit it: signals are for this thread only.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])

        let sockets = try openSockets(settings)
        logger.info("starting", metadata: ["version": "\(Version.release)"])
        resources.telemetry.watch(log)
        let service = StreamService(resources, sockets)
        service.start()
        resources.telemetry.keyRingLoaded(settings, resources.secrets.value.secrets)
        resources.telemetry.tokenKeysLoaded(resources.secrets.value.secrets.tokens)
        resources.telemetry.warnOfUnlockedKeys()
        resources.telemetry.warnOfIgnoredVariables(options.source.traceVariables.issues)
        logReady(settings, resources)
        IdleMemory.release()
        supervise(
            service, signals, Reloader(options, settings, resources, level, taken: files), resources.telemetry)
        logger.info("draining")
        let isDrained = service.stop()
        logger.info("stopped", metadata: ["drained": "\(isDrained)"])
    }

    /// Tells the service manager how the service is doing, and reloads, until a signal ends it.
    private func supervise(
        _ service: StreamService, _ signals: SignalWait, _ reloader: sending Reloader, _ telemetry: Telemetry
    ) {
        let manager = ServiceManager(environment: Environment.variables, processID: getpid())
        manager.ready()
        let reloads = ReloadThread(reloader) { manager.ready() }
        defer {
            // What it waits for may take a minute: it ends with the process.
            reloads.stop()
            manager.stopping()
        }
        var memory = IdleMemory(), lastLook = ContinuousClock.now
        while true {
            switch signals.next(within: min(manager.heartbeat ?? Reloader.interval, Reloader.interval)) {
            case nil: break
            case SIGHUP:
                manager.reloading()
                reloads.request()
            default: return
            }
            telemetry.flushSuppressed()
            let now = ContinuousClock.now
            if memory.becomesIdle(busyTime: service.busyTime, interval: lastLook.duration(to: now)) {
                IdleMemory.release()
            }
            lastLook = now
            if service.makesProgress {
                manager.isAlive()
            } else {
                telemetry.logger.critical("request loop stalled")
            }
        }
    }

    private func logReady(_ settings: Settings, _ resources: Resources) {
        resources.telemetry.logger.info(
            "ready",
            metadata: [
                "version": "\(Version.release)", "stream": "\(settings.responder.listen)",
                "gate": "\(settings.responder.gateListen)",
                "loops": "\(settings.responder.loops)",
                "key_version": "\(resources.secrets.value.secrets.keyRing.current)",
                "key_source": "\(settings.keyRingSource.name)",
            ])
    }

    /// From here on only `Resources` holds the secrets, so that one that is replaced is dropped.
    private func prepare(_ log: LogWriter) throws -> (Settings, Resources, SharedLogLevel) {
        let keySets = ProviderKeySets(clock: SystemClock())
        let loaded = try options.load(keySets)
        let level = SharedLogLevel(loaded.settings.logLevel)
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level, writer: log) }
        let resources = Resources(
            loaded.settings, loaded.secrets, keySets, telemetry: Telemetry(logger), observesRequests: !unobserved)
        resources.telemetry.keysNotFetched(loaded.keyFailures)
        return (loaded.settings, resources, level)
    }

    private func openSockets(_ settings: Settings) throws -> StreamService.Sockets {
        do {
            return try StreamService.Sockets(settings.responder)
        } catch {
            Console.error("\(error)")
            throw ExitCode(71)
        }
    }
}
