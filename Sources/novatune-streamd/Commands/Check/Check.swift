import ArgumentParser
import BearerTokens
import Cryptography
import FastCGI
import KeyManagement
import Logging
import OperatorSettings
import PostgreSQLTrackStore
import ProviderKeys
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing
import StreamResponder

/// Tries everything that serving needs, and reports the results.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate every setting and contact every dependency.",
        discussion: """
            Prints one line for each setting and each dependency: 'ok', or the error and its remedy. Secrets are shown \
            as 'set'. A cache that does not answer and invalidations that cannot be received are warnings, because \
            requests go on without them. So are settings that are valid and unwise: secrets that others may read, \
            long-lived URLs, a public endpoint without TLS.

            It also reads an object, and fetches it by a URL of the public endpoint as a player does: --object names \
            it, else it is the newest Ready track's. With origins of players (--origin, or NOVATUNE_NGINX_CORS_ORIGINS \
            in the environment or the file of --config) it asks as a page of each would, and warns where the bucket's \
            CORS rules do not let the page read the audio by script: a player that gives the audio element the URL needs \
            none. Name this service's own public origin, too. Where the player is at an origin of --origin, below \
            /player/, its Content-Security-Policy must name the store.

            Where the database records revocations, an object of a deleted track must be refused: --revoked names one, else \
            it is the newest such track's. One that can be read shows that no policy binds the credentials that sign, or \
            that novatune-streamd revoke does not run. With NOVATUNE_PRESIGN_USER=signed the store must give an object of a \
            Ready track to a URL that names its user, and refuse one that names none and a request without a signature.

            --settings-only is for a reload: it reads the settings and the files that they name, as the running \
            service would, without a connection and without a command. A key ring or credentials of the store that \
            only a command or a service knows are left out.

            EXIT CODES: 0 the settings are valid and every required dependency answers; 1 a required dependency does \
            not answer, a provider's keys cannot be fetched and are not stored, an object or its URL cannot be read, a \
            revoked object can, or one by a URL that names no user, the store's credentials have expired, or a socket's host \
            is not found; 69 the key ring's service or the identity provider does not answer; 78 settings are not valid.
            """
    )

    @OptionGroup var options: SettingsOptions

    @Flag(help: "Check the settings and their files alone: call no service and run no command.")
    var settingsOnly = false

    @Flag(help: "Print warnings and failures only.")
    var quiet = false

    @Option(name: .long, help: ArgumentHelp("Read and fetch the object of this key.", valueName: "key"))
    var object: String?

    @Option(
        name: .long, help: ArgumentHelp("The object of this key is revoked, and must be refused.", valueName: "key"))
    var revoked: String?

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Fetch as a page of this origin would, such as https://player.example.com; may be repeated.",
            valueName: "url"),
        transform: Self.readOrigin
    )
    var origin: [Endpoint] = []

    private static func readOrigin(_ text: String) throws -> Endpoint {
        guard let origin = Endpoint(text) else { throw ValidationError("it is not like https://player.example.com") }
        return origin
    }

    func run() throws {
        let source = options.source
        if settingsOnly {
            let local = try checkSettings(source) { (source) throws(SettingsError) in
                try SettingsOptions.readWithoutConnecting(source)
            }
            show(local.settings, local.tokens.accepted, local.keyRing, source)
            for location in local.tokens.declared.locations {
                line("token keys", "ok", "not asked, from \(location.description)")
            }
            if !checkExpiration(local.storeCredentials, source) { throw ExitCode(1) }
            return
        }
        let keySets = ProviderKeySets(clock: SystemClock(), isStoring: false)
        let loaded = try checkSettings(source) { (source) throws(SettingsError) in
            try SettingsOptions.read(source, keySets)
        }
        show(loaded.settings, loaded.secrets.tokens, loaded.secrets.keyRing, source)
        let results = [
            checkKeySets(loaded), checkHosts(loaded.settings.responder), checkDependencies(loaded, keySets),
        ]
        if results.contains(false) { throw ExitCode(1) }
    }

    private func show(_ settings: Settings, _ tokens: AcceptedTokens, _ keyRing: KeyRing?, _ source: SettingsSource) {
        for keys in tokens.providers.map(\.keys) {
            line("token keys", "ok", keys.keys.map(\.description).joined(separator: ", "))
            for key in keys.skipped { line("token keys", "skipped", key.description) }
        }
        let ring =
            keyRing.map { "current \($0.current), versions \($0.versions.joined(separator: ", "))" } ?? "not asked"
        line("cache keys", "ok", "\(ring), from \(settings.keyRingSource.name)")
        if let destination = source.traceVariables.destination { line("traces", "ok", "to \(destination.name)") }
        for warning in ConfigurationWarnings.warnings(settings, source) {
            line(warning.subject, "warning", warning.advice)
        }
    }

    private func checkExpiration(_ credentials: Credentials?, _ source: SettingsSource) -> Bool {
        let name = source.storeCredentialsName
        guard let credentials else {
            line("credentials", "ok", "not asked, from \(name)")
            return true
        }
        guard let end = credentials.expiration else { return true }
        let isValid = end > SystemClock().now
        line(
            "credentials", isValid ? "ok" : "failed",
            isValid
                ? "until \(end.rfc3339)"
                : "expired at \(end.rfc3339); renew \(name), or look why what renews it no longer does")
        return isValid
    }

    /// A stored set serves on, for a while.
    private func checkKeySets(_ loaded: LoadedSettings) -> Bool {
        for location in loaded.secrets.declaredTokens.locations {
            guard let failure = loaded.keyFailures.first(where: { $0.location == location }) else {
                line("token keys", "ok", "fetched from \(location.description)")
                continue
            }
            let (verdict, stored) =
                failure.isStored ? ("warning", "; the set that was stored is used") : ("failed", "")
            line("token keys", verdict, "\(location.description): \(failure.failure)\(stored)")
        }
        return loaded.keyFailures.allSatisfy(\.isStored)
    }

    private func checkHosts(_ settings: ResponderSettings) -> Bool {
        let sockets = [(ResponderSetting.listen, settings.listen), (ResponderSetting.gateListen, settings.gateListen)]
        return sockets.map { setting, address in
            do {
                try address.resolve()
                return true
            } catch {
                line(setting.name, "failed", "\(error)")
                return false
            }
        }.allSatisfy { $0 }
    }

    private func checkDependencies(_ loaded: LoadedSettings, _ keySets: ProviderKeySets) -> Bool {
        let silent = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
        let resources = Resources(loaded.settings, loaded.secrets, keySets, telemetry: Telemetry(silent))
        var probe = DependencyProbe(resources)
        let outcomes = [
            ("database", probe.database()), ("object store", probe.objects()), ("cache", probe.cache()),
            ("invalidations", probe.invalidations()),
        ]
        for (name, outcome) in outcomes {
            let milliseconds =
                Double(outcome.elapsed.components.seconds) * 1000 + Double(outcome.elapsed.components.attoseconds)
                / 1e15
            let time = "\((milliseconds * 10).rounded() / 10) ms"
            let lag = outcome.replicaLag.map { ", a standby \($0 / .seconds(1)) s behind its primary" } ?? ""
            guard let failure = outcome.failure else {
                line(name, "ok", time + lag)
                continue
            }
            line(name, outcome.isOptional ? "warning" : "failed", failure)
        }
        if outcomes[0].1.failure == nil {
            let difference = probe.schemaDifference()
            line(
                "schema", difference == nil ? "ok" : "warning",
                difference?.description ?? "has the change \(SchemaDifference.wanted)")
        }
        let policies = PlayerPolicyCheck(store: loaded.settings.s3)
        let findings =
            findings(resources, database: outcomes[0].1, store: outcomes[1].1)
            + [RevocationCheck.finding(resources, named: revoked, database: outcomes[0].1, store: outcomes[1].1)]
            + [AuthorizationCheck.finding(resources, database: outcomes[0].1, store: outcomes[1].1)].compactMap { $0 }
            + origin.flatMap { policies.findings($0) }
        for finding in findings { line(finding.subject, finding.verdict.rawValue, finding.detail) }
        return outcomes.allSatisfy { $0.1.failure == nil || $0.1.isOptional }
            && findings.allSatisfy { $0.verdict != .failed }
    }

    private func findings(
        _ resources: Resources, database: DependencyProbe.Outcome, store: DependencyProbe.Outcome
    ) -> [CheckFinding] {
        let check = StoreCheck(
            store: resources.makeObjectStore(resources.secrets.value, breaker: SharedBreaker(CircuitBreaker.Policy())),
            urlLifetime: resources.presignExpiry,
            origins: origin.isEmpty ? options.source.playerOrigins : origin.map(\.origin))
        let name = options.source.storeCredentialsName
        let findings = check.credentials(name, at: resources.clock.now) + check.clock(store.clockOffset)
        guard store.failure == nil else {
            return findings + check.skipped("the object store does not answer as it should")
        }
        if let object {
            let named = StoredObject(key: SecretText(object), mimeType: "application/octet-stream")
            return findings + check.objects([named], isNamed: true)
        }
        guard database.failure == nil else { return findings + check.skipped("the database does not answer") }
        do {
            return findings + check.objects(try resources.newestObjects(), isNamed: false)
        } catch {
            return findings + check.skipped(error.reason)
        }
    }

    private func checkSettings<Result>(
        _ source: SettingsSource, _ read: (SettingsSource) throws(SettingsError) -> Result
    ) throws -> Result {
        var settings: Result?
        var issues: [SettingIssue] = []
        var failure = SettingsOptions.invalidSettings
        do {
            settings = try read(source)
        } catch {
            issues = error.issues
            if error.isTemporary { failure = SettingsOptions.unavailable }
        }
        for setting in AllSettings.declarations where source.unreadableConfig == nil {
            let own = issues.filter { $0.subject == .setting(setting.name) }
            for issue in own { line(setting.name, "failed", issue.description) }
            guard own.isEmpty else { continue }
            line(setting.name, "ok", source.shownValue(setting) ?? "default: \(setting.shownDefault)")
        }
        for issue in issues where !issue.isAboutSetting { line("settings", "failed", issue.description) }
        guard let settings else { throw failure }
        return settings
    }

    private func line(_ name: String, _ verdict: String, _ detail: String) {
        func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(1, width - text.count))
        }
        if quiet, verdict == "ok" { return }
        let level: Logger.Level = verdict == "failed" ? .error : verdict == "warning" ? .warning : .info
        Console.print("\(padded(name, 31))\(padded(verdict, 9))\(detail)", level)
    }
}
