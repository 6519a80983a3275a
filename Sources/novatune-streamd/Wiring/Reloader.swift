import BearerTokens
import KeyManagement
import Logging
import Observability
import OperatorSettings
import ProviderKeys
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// Reloads keys, credentials, the database's address and log level when it is asked to and when a file has changed. An
/// invalid set is refused as a whole, and the current one stays.
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
    /// When store credentials that end soon are read again: a file may have been replaced without a trace in its stamp.
    private var renewal = CredentialsRenewal()

    /// How often to check.
    static let interval: Duration = .seconds(1)

    /// - Parameter taken: the files as they were before they were read.
    init(
        _ options: SettingsOptions, _ settings: Settings, _ resources: Resources, _ level: SharedLogLevel,
        taken: FileStamp
    ) {
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
        if let retryAt, retryAt <= .now { return reload() }
        let current = resources.secrets.value.secrets.storeCredentials
        switch renewal.action(
            expiration: current.expiration, urlLifetime: resources.presignExpiry, at: resources.clock.now)
        {
        case .wait: break
        case .readAgain(let isLate):
            if isLate { resources.telemetry.credentialsEndSoon(current, at: resources.clock.now) }
            rereadCredentials()
        }
    }

    /// Also asks providers for their keys.
    mutating func reloadOnRequest() {
        reload()
        resources.keySets.refresh()
    }

    /// Loads everything again only where the credentials are others: a key ring's command or service is not asked each
    /// time.
    private mutating func rereadCredentials() {
        do {
            let fresh = try SettingsReader.readStoreCredentials(options.source)
            if fresh != resources.secrets.value.secrets.storeCredentials { reload(known: fresh) }
        } catch {
            refuse(error)
        }
    }

    /// - Parameter known: the store's credentials, where they have just been read.
    mutating func reload(known: Credentials? = nil) {
        // Also the paths of refused settings: a correction of them must be noticed.
        paths = options.source.watchedPaths
        taken = FileStamp(of: paths)
        do {
            let loaded = try SettingsOptions.read(options.source, resources.keySets, known: known)
            let settings = loaded.settings
            let former = resources.secrets.value.secrets.storeCredentials
            resources.secrets.replace(loaded.secrets)
            resources.keySets.adopt(loaded.secrets.declaredTokens)
            resources.databaseAddresses.replace(settings.database)
            // The new credentials may not read the objects that the former ones could.
            if loaded.secrets.storeCredentials != former {
                resources.verifiedObjects.forget(.everything)
                resources.storeAccess.credentialsWereReplaced()
            }
            takeCache(settings.cache.url)
            level.level = settings.logLevel
            // Files that were not checked before they were read are read once more, a moment later.
            paths = settings.watchedPaths
            backoff.succeeded()
            retryAt = nil
            resources.telemetry.reloaded(settings, resources.secrets.value.secrets)
            resources.telemetry.keysNotFetched(loaded.keyFailures)
        } catch {
            refuse(error)
        }
    }

    private mutating func refuse(_ error: SettingsError) {
        // What the refused settings named is not fetched any more.
        resources.keySets.adopt(resources.secrets.value.secrets.declaredTokens)
        retryAt = error.isTemporary ? .now.advanced(by: backoff.failed(jitter: .random(in: 0...1))) : nil
        resources.telemetry.refusedReload(error.issues)
    }

    private func takeCache(_ url: CacheURL) {
        let isTaken =
            switch url {
            case .memory: resources.cacheServer == nil
            case .server(let server): resources.cacheServer?.renewCredentials(from: server) ?? false
            }
        if !isTaken { resources.telemetry.needsRestart(CacheSetting.url.name) }
    }
}
