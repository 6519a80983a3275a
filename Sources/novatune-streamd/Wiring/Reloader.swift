import KeyManagement
import Logging
import Observability
import Resilience
import S3ObjectStore
import StreamIssuing

/// Takes keys, credentials and log level anew from where they come from, when it is told to and when a file has changed. What is not
/// valid is refused as a whole, and what there is stays.
///
/// For one thread.
struct Reloader {
    private let options: SettingsOptions
    private let resources: Resources
    private let level: SharedLogLevel
    private var paths: [String]
    /// As they were when they were read.
    private var taken: FileStamp
    /// As they were a moment ago: a file that somebody is writing is not read half-finished.
    private var seen: FileStamp
    private var backoff = Backoff(from: .seconds(5), to: .seconds(300))
    /// Where a service did not answer, that may change without any file's doing so.
    private var retryAt: ContinuousClock.Instant?

    /// How often to look.
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

    /// To be called every `interval`.
    mutating func reloadIfChanged() {
        let stamp = FileStamp(of: paths)
        defer { seen = stamp }
        if stamp != taken, stamp == seen { return reload() }
        if let retryAt, retryAt <= .now { reload() }
    }

    mutating func reload() {
        // Also those that are refused: whoever mends them is heard.
        paths = options.source.watchedPaths
        taken = FileStamp(of: paths)
        do {
            let loaded = try SettingsOptions.read(options.source)
            let settings = loaded.settings
            let former = resources.secrets.value.secrets.storeCredentials
            resources.secrets.replace(loaded.secrets)
            // What the former ones could read says nothing about the new ones.
            if loaded.secrets.storeCredentials != former { resources.verifiedObjects.forget(.everything) }
            level.level = settings.logLevel
            // Other files than were looked at before they were read: they are read once more, a moment later.
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
