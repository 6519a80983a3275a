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
    private var taken: FileStamp
    private var seen: FileStamp
    private var renewal = CredentialsRenewal()

    /// - Parameter taken: the files as they were before they were read.
    init(
        _ source: @escaping () -> SettingsSource, _ work: RevocationWork, _ telemetry: RevocationTelemetry,
        taken: FileStamp
    ) {
        self.source = source
        self.work = work
        self.telemetry = telemetry
        self.taken = taken
        seen = taken
    }

    /// Call it every `interval`.
    mutating func readIfChanged() {
        let stamp = FileStamp(of: source().watchedPaths)
        defer { seen = stamp }
        // A file that is still being written is not read half-finished.
        if stamp != taken, stamp == seen { return read() }
        let action = renewal.action(
            expiration: work.credentials.expiration, urlLifetime: Self.signatureLifetime, at: SystemClock().now)
        if case .readAgain = action { read() }
    }

    mutating func read() {
        let source = source()
        taken = FileStamp(of: source.watchedPaths)
        do {
            let fresh = try SettingsReader.readStoreCredentials(source)
            if fresh != work.credentials { work.replace(fresh) }
            telemetry.credentialsRead(nil)
        } catch {
            telemetry.credentialsRead(error.description)
        }
    }
}
