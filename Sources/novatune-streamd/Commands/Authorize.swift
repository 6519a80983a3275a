import ArgumentParser
import FastCGI
import Glibc
import KeyManagement
import Logging
import Observability
import OperatorSettings
import Resilience

/// Answers a store's authorisation webhook until it receives a signal to stop.
struct Authorize: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take back the URLs of users who may not stream any more, as a store's webhook.",
        discussion: """
            Answers Ceph's RGW (rgw_use_opa_authz) and MinIO (MINIO_POLICY_PLUGIN_URL), which ask it for each request. The \
            account that signs URLs may read the audio with URLs that name their users (NOVATUNE_PRESIGN_USER=signed), \
            unless the user was suspended, logged out everywhere or lost access to the track since; other accounts may do \
            what NOVATUNE_AUTHORIZE_ACCOUNTS lists; nothing else is allowed. It listens on loopback alone. See the article \
            Revocations.

            It has a role of the database of its own, novatune_authorizer (sql/), the key ring of the responder, and no \
            credentials of the store. Triggers record nothing until a DBA allows it: update novatune.settings set \
            record_user_revocations = true.

            Logs JSON lines to standard error. SIGTERM or SIGINT: exit. SIGHUP: read the key ring again; it does the same \
            when a file of settings has changed. /healthz, /readyz and /metrics are answered on NOVATUNE_AUTHORIZE_LISTEN \
            (FastCGI).

            SETTINGS (default — meaning), NOVATUNE_S3_BUCKET, NOVATUNE_PRESIGN_EXPIRY, and those of the database, the key ring \
            and the log ('settings' lists them):
            \(SettingsText.help([AuthorizationSetting.group]))

            EXIT CODES: 0 stopped by a signal, or settings are valid with --settings-only; 69 what gives the key ring does not \
            answer; 71 a socket cannot be opened; 78 settings are not valid.
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
            try SettingsReader.readAuthorization(options.source, inherited: SettingsOptions.inherited)
        }
        if settingsOnly { return }
        let level = SharedLogLevel(settings.logLevel)
        let logger = Logger(label: "novatune-streamd") { _ in JSONLogHandler(level: level, writer: log) }
        // Before the threads that libraries start, so that they inherit it: signals are for this thread only.
        let signals = SignalWait([SIGTERM, SIGINT, SIGHUP])
        let gate = try SettingsOptions.open(settings.listen)
        let webhook = try openWebhook(settings.webhook)
        logger.info("starting", metadata: ["version": "\(Version.release)"])
        let telemetry = AuthorizationTelemetry(logger)
        let keys = ChangedKeys({ [options] in options.source }, telemetry, taken: files)
        let users = try RevokedUsers(settings.keyRing, expiry: settings.expiry, maximumAge: settings.maximumAge)
        let service = AuthorizationService(
            settings, telemetry, users: users, keys: keys, webhook: webhook, gate: gate)
        service.start()
        logger.info(
            "ready",
            metadata: [
                "version": "\(Version.release)", "gate": "\(settings.listen)", "webhook": "\(settings.webhook)",
            ])
        Supervision(
            signals: signals, makesProgress: { service.makesProgress }, readIfChanged: keys.readIfChanged,
            read: keys.read, flushLog: telemetry.flushSuppressed
        ).run()
        logger.info("stopped", metadata: ["drained": "\(service.end())"])
    }

    /// A name may stand for another address than loopback's.
    private func openWebhook(_ address: SocketAddress) throws -> ListeningSocket {
        let socket = try SettingsOptions.open(address)
        guard socket.isLoopback else {
            Console.error("\(address): not an address of loopback, which stores' secret keys do not leave")
            throw SettingsOptions.invalidSettings
        }
        return socket
    }
}
