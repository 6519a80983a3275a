import KeyManagement
import Resilience
import SigV4
import StreamIssuing

/// Reads the store's credentials again when a file of settings has changed, on request, and ahead of their end. Others
/// that are not valid are refused, and the current ones stay. For one thread.
struct RevocationCredentials {
    /// How often to check.
    static let interval: Duration = .seconds(1)
    /// A signature of this process's own calls.
    private static let signatureLifetime: Duration = .seconds(60)

    let source: () -> SettingsSource
    let work: RevocationWork
    let telemetry: RevocationTelemetry
    private var files: ChangedFiles
    private var renewal = CredentialsRenewal()

    /// - Parameter taken: the files as they were before they were read.
    init(
        _ source: @escaping () -> SettingsSource, _ work: RevocationWork, _ telemetry: RevocationTelemetry,
        taken: FileStamp
    ) {
        self.source = source
        self.work = work
        self.telemetry = telemetry
        files = ChangedFiles(taken: taken)
    }

    /// Call it every `interval`.
    mutating func readIfChanged() {
        if files.haveChanged(source().watchedPaths) { return read() }
        let action = renewal.action(
            expiration: work.credentials.expiration, urlLifetime: Self.signatureLifetime, at: SystemClock().now)
        if case .readAgain = action { read() }
    }

    mutating func read() {
        let source = source()
        files.take(source.watchedPaths)
        do {
            let fresh = try SettingsReader.readStoreCredentials(source)
            if fresh != work.credentials { work.replace(fresh) }
            telemetry.credentialsRead(nil)
        } catch {
            telemetry.credentialsRead(error.description)
        }
    }
}
