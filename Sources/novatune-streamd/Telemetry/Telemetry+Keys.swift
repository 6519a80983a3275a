import BearerTokens
import Cryptography
import KeyManagement
import Logging
import Observability
import OperatorSettings
import ProviderKeys
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
                keyVersion: secrets.keyRing.current, credentialsExpiration: secrets.storeCredentials.expiration,
                moment: now)
        }
    }

    func reloaded(_ settings: Settings, _ secrets: Secrets) {
        loaded(secrets)
        keyRingLoaded(settings, secrets)
        tokenKeysLoaded(secrets.tokens)
        let others: Logger.Metadata = [
            "token_keys": "\(secrets.tokens.providers.reduce(0) { $0 + $1.keys.keys.count })",
            "log_level": "\(settings.logLevel)",
        ]
        logger.notice("reloaded", metadata: Self.ring(settings, secrets).merging(others) { $1 })
    }

    /// A reload found another value of a setting that only a restart takes.
    func needsRestart(_ setting: String) {
        logger.warning("setting needs a restart", metadata: ["setting": "\(setting)"])
    }

    func keyRingLoaded(_ settings: Settings, _ secrets: Secrets) {
        logger.info("key ring loaded", metadata: Self.ring(settings, secrets))
    }

    /// Names the keys of providers that verify no token here.
    func tokenKeysLoaded(_ tokens: AcceptedTokens) { tokenKeysLoaded(tokens.providers.flatMap(\.keys.skipped)) }

    private func tokenKeysLoaded(_ skipped: [SkippedKey]) {
        guard !skipped.isEmpty else { return }
        logger.notice("token keys skipped", metadata: ["keys": "\(SkippedKey.list(skipped))"])
    }

    func keysRefreshed(_ refresh: KeyRefresh) {
        keyFetches.increment(refresh.location.description, refresh.outcome.rawValue)
        var fields: Logger.Metadata = [
            "provider": "\(refresh.location.description)", "keys": "\(refresh.keys?.keys.count ?? 0)",
        ]
        if let reason = refresh.reason { fields["reason"] = "\(reason)" }
        switch refresh.outcome {
        case .changed:
            logger.notice("token keys changed", metadata: fields)
            tokenKeysLoaded(refresh.keys?.skipped ?? [])
        case .unchanged: logger.debug("token keys unchanged", metadata: fields)
        case .unreachable, .invalid: logger.error("token keys not fetched", metadata: fields)
        }
    }

    func keysNotStored(_ location: KeyLocation, _ reason: String) {
        logger.warning(
            "token keys not stored", metadata: ["provider": "\(location.description)", "reason": "\(reason)"])
    }

    /// At a start or a reload.
    func keysNotFetched(_ failures: [KeyLoadFailure]) {
        for failure in failures {
            logger.error(
                "token keys not fetched",
                metadata: [
                    "provider": "\(failure.location.description)", "reason": "\(failure.failure)",
                    "stored": "\(failure.isStored)",
                ])
        }
    }

    func watch(_ keySets: ProviderKeySets) {
        // A series that begins with its first failure has no rate yet.
        for figures in keySets.figures {
            for outcome in KeyRefresh.Outcome.allCases {
                _ = keyFetches.series(figures.location.description, outcome.rawValue)
            }
        }
        registry.gauges("novatune_token_keys", "Keys of the provider that can verify tokens.", label: "provider") {
            keySets.figures.map { ($0.location.description, Double($0.count)) }
        }
        registry.gauges(
            "novatune_token_keys_age_seconds", "Since the provider's keys were last fetched.", label: "provider"
        ) {
            keySets.figures.compactMap { figures in
                figures.age.map { (figures.location.description, $0 / .seconds(1)) }
            }
        }
    }

    func warnOfUnlockedKeys() {
        guard !SymmetricKey.isMemoryLocked else { return }
        logger.warning("keys not locked", metadata: ["advice": "\(ProcessMemory.lockingAdvice)"])
    }

    private static func ring(_ settings: Settings, _ secrets: Secrets) -> Logger.Metadata {
        [
            "key_version": "\(secrets.keyRing.current)",
            "key_versions": "\(secrets.keyRing.versions.joined(separator: " "))",
            "key_source": "\(settings.keyRingSource.name)",
        ]
    }

    /// Warns once about credentials that have not been replaced though they end soon.
    func credentialsEndSoon(_ credentials: Credentials, at now: UnixTime) {
        guard let expiration = credentials.expiration,
            warnedExpiration.withLock({ last in
                defer { last = expiration }
                return last != expiration
            })
        else { return }
        logger.warning(
            "store credentials end soon",
            metadata: [
                "expires_at": "\(expiration.rfc3339)",
                "seconds": "\(max(0, now.duration(to: expiration).components.seconds))",
                "advice": "replace them; no URL is issued that would outlive them",
            ])
    }

    func refusedReload(_ issues: [SettingIssue]) {
        let reason = issues.map(\.description).joined(separator: "; ")
        lastReload.withLock { $0.refusal = reason }
        logger.error("reload refused", metadata: ["reason": "\(reason)"])
    }

    func watch(_ seals: KeyUsage) {
        registry.counts("novatune_cache_seals_total", "Cache entries sealed by this process.", label: "key_version") {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.reduce(0) { $0 + $1.own })) }
        }
        registry.gauges(
            "novatune_cache_key_seals",
            "Cache entries sealed with the key by all responders that share the cache; at most 4294967296.",
            label: "key_version"
        ) {
            Dictionary(grouping: seals.figures, by: \.version).map { ($0, Double($1.map(\.total).max() ?? 0)) }
        }
        registry.gauges(
            "novatune_cache_key_current", "1 for the key version that entries are sealed with.", label: "key_version"
        ) {
            [lastReload] in
            lastReload.withLock { $0.keyVersion }.map { [($0, 1)] } ?? []
        }
        registry.gauge(
            "novatune_reload_success",
            "1 where keys and credentials are those that the settings name, 0 where a reload was refused."
        ) {
            [lastReload] in lastReload.withLock { $0.refusal == nil ? 1 : 0 }
        }
        registry.gauge("novatune_reload_timestamp_seconds", "When keys and credentials were last taken, since 1970.") {
            [lastReload] in
            Double(lastReload.withLock { $0.moment.seconds })
        }
        registry.gauge(
            "novatune_s3_credentials_expiry_timestamp_seconds",
            "When the object store's credentials end, where that is known."
        ) {
            [lastReload] in lastReload.withLock { $0.credentialsExpiration }.map { Double($0.seconds) }
        }
    }

    /// Warns once about each key that has sealed so often that it should be replaced.
    func sealed(_ figures: [KeyUsage.Figures]) {
        for figure in figures where figure.total >= KeyUsage.warningLevel {
            let isNew = nearLimit.withLock { $0.insert(figure.version).inserted }
            guard isNew else { continue }
            logger.warning(
                "key usage limit near",
                metadata: [
                    "key_version": "\(figure.version)", "seals": "\(figure.total)", "limit": "\(KeyUsage.limit)",
                    "advice": "rotate the key ring",
                ])
        }
    }
}
