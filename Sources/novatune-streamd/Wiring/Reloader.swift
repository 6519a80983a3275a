import KeyManagement
import Logging
import Observability
import Resilience
import S3ObjectStore
import StreamIssuing

/// Reloads keys, credentials and log level when it is asked to and when a file has changed. An invalid set is refused as a whole, and the
/// current one stays.
///
/// For one thread.
struct Reloader {
    private let options: SettingsOptions
    private let resources: Resources
    private let level: SharedLogLevel
    private var paths: [String]
    /// The files as they were when they were read.
    private var taken: FileStamp
    /// The files as they were a moment ago: a file that is still being written is not read half-finished.
    private var seen: FileStamp
    private var backoff = Backoff(from: .seconds(5), to: .seconds(300))
    /// Where a service did not answer: it may answer later without a change of any file.
    private var retryAt: ContinuousClock.Instant?

    /// How often to check.
    static let interval: Duration = .seconds(1)

    /// - Parameter taken: the files as they were before they were read.
    init(_ options: SettingsOptions, _ settings: Settings, _ resources: Resources, _ level: SharedLogLevel, taken: FileStamp) {
        self.options = options
        self.resources = resources
        self.level = level
        paths = settings.watchedPaths
        self.taken = taken
        seen = taken
    }

    /// Call it every `interval`.
    mutating func reloadIfChanged() {
        let stamp = FileStamp(of: paths)
        defer { seen = stamp }
        if stamp != taken, stamp == seen { return reload() }
        if let retryAt, retryAt <= .now { reload() }
    }

    mutating func reload() {
        // Also the paths of refused settings: a correction of them must be noticed.
        paths = options.source.watchedPaths
        taken = FileStamp(of: paths)
        do {
            let loaded = try SettingsOptions.read(options.source)
            let settings = loaded.settings
            let former = resources.secrets.value.secrets.storeCredentials
            resources.secrets.replace(loaded.secrets)
            // Objects that the former credentials could read say nothing about the new ones.
            if loaded.secrets.storeCredentials != former { resources.verifiedObjects.forget(.everything) }
            level.level = settings.logLevel
            // Files that were not checked before they were read are read once more, a moment later.
            paths = settings.watchedPaths
            backoff.succeeded()
            retryAt = nil
            resources.telemetry.reloaded(settings, loaded.secrets)
        } catch {
            retryAt = error.isTemporary ? .now.advanced(by: backoff.failed(jitter: .random(in: 0...1))) : nil
            resources.telemetry.refusedReload(error.complaints)
        }
    }
}
