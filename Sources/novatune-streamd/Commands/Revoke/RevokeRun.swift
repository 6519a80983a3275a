import ArgumentParser
import FastCGI
import Glibc
import KeyManagement
import Logging
import Observability
import OperatorSettings
import Resilience

/// Tags and untags objects until it receives a signal to stop.
struct RevokeRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Tag and untag objects as the database asks for it (the default).",
        discussion: """
            Takes rows of novatune.revocations, which triggers write with each change of a track, and sets or removes the \
            tag novatune-revoked of the object. A row is kept until the store has done it, whatever ends meanwhile. Several \
            processes may run at a time.

            It has a role of the database and a user of the store of its own: novatune_revoker (sql/), and one that may \
            change tags and read no object ('revoke policy --tagger'). Triggers record nothing until a DBA allows it: \
            update novatune.settings set record_revocations = true.

            Logs JSON lines to standard error. SIGTERM or SIGINT: finish the objects under way, exit. SIGHUP: read the \
            store's credentials again; it does the same when a file of settings has changed, and ahead of their end. \
            /healthz, /readyz and /metrics are answered on NOVATUNE_REVOKE_LISTEN (FastCGI).

            SETTINGS (default — meaning), and those of the database, the object store and the log ('settings' lists them):
            \(SettingsText.help([RevocationSetting.group]))

            EXIT CODES: 0 stopped by a signal, or settings are valid with --settings-only; 69 what gives the store's credentials does not answer; 71 the socket cannot \
            be opened; 78 settings are not valid.
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Read the settings as a start does, print what is wrong with them, and exit.")
    var settingsOnly = false

    func run() throws {
        let isReadByJournal = Journal.reads(STDERR_FILENO, environment: Environment.variables)
        let log = LogWriter(descriptor: STDERR_FILENO, isReadByJournal: isReadByJournal)
        defer { log.stop() }
        let files = FileStamp(of: options.source.watchedPaths)
        let settings = try SettingsOptions.reportingErrors { () throws(SettingsError) in
            try SettingsReader.readRevocation(options.source, inherited: SettingsOptions.inherited)
        }
        if settingsOnly { return }
        let level = SharedLogLevel(settings.logLevel)
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level, writer: log) }
        // Before the threads that libraries start, so that they inherit it: signals are for this thread only.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])
        let socket = try SettingsOptions.open(settings.listen)
        logger.info("starting", metadata: ["version": "\(Version.release)"])
        let telemetry = RevocationTelemetry(logger)
        let service = RevocationService(settings, telemetry, socket: socket)
        service.start()
        logger.info(
            "ready",
            metadata: [
                "version": "\(Version.release)", "gate": "\(settings.listen)", "workers": "\(settings.workers)",
            ])
        var credentials = RevocationCredentials({ options.source }, service.work, telemetry, taken: files)
        Supervision(
            signals: signals, makesProgress: { service.makesProgress }, readIfChanged: { credentials.readIfChanged() },
            read: { credentials.read() }, flushLog: telemetry.flushSuppressed
        ).run()
        logger.info("draining")
        let isDrained = service.stop()
        logger.info("stopped", metadata: ["drained": "\(isDrained)"])
    }
}
