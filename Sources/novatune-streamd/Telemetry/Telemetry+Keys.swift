import BearerTokens
import Cryptography
import KeyManagement
import Logging
import Observability
import Resilience
import SealedCache
import SigV4
import StreamIssuing

// Metrics of keys and credentials: which there are, how old they are, how often they have sealed.
extension Telemetry {
    /// Why keys and credentials differ from those that the settings name now; nil where they do not.
    var reloadRefusal: String? { lastReload.withLock { $0.refusal } }

    func loaded(_ secrets: Secrets) {
        let now = clock.now
        lastReload.withLock { reload in
            reload = Reload(
                keyVersion: secrets.keyRing.current, credentialsExpiration: secrets.storeCredentials.expiration, moment: now)
        }
    }

    func reloaded(_ settings: Settings, _ secrets: Secrets) {
        loaded(secrets)
        keyRingLoaded(settings, secrets)
        let others: Logger.Metadata = ["token_keys": "\(secrets.keySet.keys.count)", "log_level": "\(settings.logLevel)"]
        logger.notice("reloaded", metadata: Self.ring(settings, secrets).merging(others) { $1 })
    }

    func keyRingLoaded(_ settings: Settings, _ secrets: Secrets) {
        logger.info("key ring loaded", metadata: Self.ring(settings, secrets))
    }

    private static func ring(_ settings: Settings, _ secrets: Secrets) -> Logger.Metadata {
        [
            "key_version": "\(secrets.keyRing.current)", "key_versions": "\(secrets.keyRing.versions.joined(separator: " "))",
            "key_source": "\(settings.keyRingSource.name)",
        ]
    }

    func refusedReload(_ complaints: [String]) {
        let reason = complaints.joined(separator: "; ")
        lastReload.withLock { $0.refusal = reason }
        logger.error("reload refused", metadata: ["reason": "\(reason)"])
    }

    func watch(_ seals: KeyUsage) {
        registry.counts("cache_seals_total", "Cache entries sealed by this process.", label: "key_version") {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.reduce(0) { $0 + $1.own })) }
        }
        registry.gauges(
            "cache_key_seals", "Cache entries sealed with the key by all responders that share the cache; at most 4294967296.",
            label: "key_version"
        ) {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.map(\.total).max() ?? 0)) }
        }
        registry.gauges("cache_key_current", "1 for the key version that entries are sealed with.", label: "key_version") { [lastReload] in
            lastReload.withLock { $0.keyVersion }.map { [($0, 1)] } ?? []
        }
        registry.gauge("reload_success", "1 where keys and credentials are those that the settings name, 0 where a reload was refused.") {
            [lastReload] in lastReload.withLock { $0.refusal == nil ? 1 : 0 }
        }
        registry.gauge("reload_timestamp_seconds", "When keys and credentials were last taken, since 1970.") { [lastReload] in
            Double(lastReload.withLock { $0.moment.seconds })
        }
        registry.gauge("s3_credentials_expiry_timestamp_seconds", "When the object store's credentials end, where that is known.") {
            [lastReload] in lastReload.withLock { $0.credentialsExpiration }.map { Double($0.seconds) }
        }
    }

    /// Warns once about each key that has sealed so often that it should be replaced.
    func sealed(_ figures: [KeyUsage.Figures]) {
        for figure in figures where figure.total >= KeyUsage.warningLevel {
            let isNew = nearLimit.withLock { $0.insert(figure.version).inserted }
            guard isNew else { continue }
            logger.warning(
                "key near its limit",
                metadata: [
                    "key_version": "\(figure.version)", "seals": "\(figure.total)", "limit": "\(KeyUsage.limit)",
                    "advice": "rotate the key ring",
                ])
        }
    }
}
