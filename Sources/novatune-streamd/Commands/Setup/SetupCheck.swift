import BearerTokens
import Cryptography
import Glibc
import KeyManagement
import Logging
import OperatorSettings
import PostgreSQLTrackStore
import ProviderKeys
import Resilience
import S3ObjectStore
import StreamIssuing

/// Tries what the answers say of a part, as `check` does, before anything is written.
struct SetupCheck {
    let answers: SetupAnswers
    let paths: SetupPaths
    let environment: [String: String]
    /// Nil where the schema is none of setup's business.
    let owner: OwnerDatabase?

    func findings(_ part: SetupPart) -> [CheckFinding] {
        switch part {
        case .nginx: nginx()
        case .database where owner != nil: ownerDatabase()
        case .database where !answers.has("NOVATUNE_DATABASE_URL"):
            [
                CheckFinding(
                    part.rawValue, .failed,
                    "SETUP_DATABASE_OWNER_URL is required, to deploy the schema; or NOVATUNE_DATABASE_URL, where a DBA has"
                )
            ]
        case .database, .store, .tokens, .cache, .service: service(part)
        }
    }

    // MARK: The service's settings

    /// Values for the settings of other parts, which are read beside those of one and not used.
    private static let others = [
        "NOVATUNE_DATABASE_URL": "postgresql:///novatune", "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:9",
        "NOVATUNE_S3_REGION": "us-east-1", "NOVATUNE_S3_BUCKET": "audio", "NOVATUNE_S3_ACCESS_KEY_ID": "setup",
        "NOVATUNE_S3_SECRET_ACCESS_KEY": "setup", "NOVATUNE_JWT_ISSUER": "setup", "NOVATUNE_JWT_AUDIENCE": "setup",
    ]

    /// The settings of the part as they are given, beside others that are surely valid.
    func values(_ part: SetupPart) -> [String: String] {
        // A ring may be unwrapped with the store's credentials.
        let further = part == .service && answers.has("NOVATUNE_KMS_KEY_ID") ? SetupPart.store.declarations : []
        let own = Set((part.declarations + further).flatMap { [$0.name] + [$0.fileName].compactMap { $0 } })
        var values = Self.others.filter { !own.contains($0.key) }
        var given = answers.values
        given.merge(SetupDefaults.derived(answers, paths)) { $1 }
        // One is less than the other.
        let shared = ["NOVATUNE_PRESIGN_EXPIRY", "NOVATUNE_CACHE_TTL_BUFFER"]
        for (name, text) in given where own.contains(name) || shared.contains(name) { values[name] = text }
        if part != .tokens {
            values["NOVATUNE_JWT_HS256_SECRET"] = String(repeating: "x", count: 32)
        }
        // The ring that setup makes is not there yet.
        let ring = values["NOVATUNE_CACHE_KEYS_FILE"]
        if part != .service || ring == paths.keyRing && !SetupFiles.exists(paths.keyRing) {
            values["NOVATUNE_CACHE_KEYS_FILE"] = nil
            values["NOVATUNE_CACHE_KEYS"] = Self.ring
        }
        return values
    }

    private static let ring: String = {
        let key = String(decoding: KeyRingDocument.base64(SymmetricKey.random()), as: UTF8.self)
        return #"{"current":"v1","keys":{"v1":"\#(key)"}}"#
    }()

    private func service(_ part: SetupPart) -> [CheckFinding] {
        let inherited = environment.filter { $0.key.hasPrefix("AWS_") || $0.key.hasPrefix("OTEL_") }
        let source = SettingsSource(environment: values(part).merging(inherited) { own, _ in own }, configPath: nil)
        let keySets = ProviderKeySets(clock: SystemClock(), isStoring: false)
        let loaded: LoadedSettings
        do {
            loaded = try SettingsReader.read(source, inherited: [:], keySets: keySets)
        } catch {
            return error.issues.map { CheckFinding(part.rawValue, .failed, $0.description) }
        }
        let silent = Logger(label: "setup") { _ in SwiftLogNoOpLogHandler() }
        let resources = Resources(loaded.settings, loaded.secrets, keySets, telemetry: Telemetry(silent))
        var probe = DependencyProbe(resources)
        switch part {
        case .database: return [finding(part, probe.database())]
        case .store: return store(&probe, resources, source)
        case .tokens: return tokens(loaded)
        case .cache: return [finding(part, probe.cache())]
        case .service, .nginx: return [CheckFinding(part.rawValue, .ok, "settings are valid")]
        }
    }

    private func finding(_ part: SetupPart, _ outcome: DependencyProbe.Outcome) -> CheckFinding {
        guard let failure = outcome.failure else { return CheckFinding(part.rawValue, .ok, "answers") }
        let names =
            switch part {
            case .store: "NOVATUNE_S3_ENDPOINT, …_REGION, …_BUCKET and the access key"
            case .cache: "NOVATUNE_CACHE_URL"
            case .database: "NOVATUNE_DATABASE_URL"
            case .tokens, .nginx, .service: "its settings"
            }
        return CheckFinding(part.rawValue, .failed, "\(failure); look at \(names)")
    }

    private func store(
        _ probe: inout DependencyProbe, _ resources: Resources, _ source: SettingsSource
    ) -> [CheckFinding] {
        let outcome = probe.objects()
        let check = StoreCheck(
            store: resources.makeObjectStore(resources.secrets.value, breaker: SharedBreaker(CircuitBreaker.Policy())),
            urlLifetime: resources.presignExpiry, origins: [])
        return [finding(.store, outcome)]
            + check.credentials(source.storeCredentialsName, at: resources.clock.now)
            + check.clock(outcome.clockOffset).filter { $0.verdict != .ok }
    }

    private func tokens(_ loaded: LoadedSettings) -> [CheckFinding] {
        let failures = loaded.keyFailures.map { failure in
            CheckFinding("tokens", .failed, "\(failure.location.description): \(failure.failure)")
        }
        guard failures.isEmpty else { return failures }
        let keys = loaded.secrets.tokens.providers.flatMap { $0.keys.keys }.count
        return [CheckFinding("tokens", .ok, "\(keys) \(keys == 1 ? "key" : "keys")")]
    }

    // MARK: The owner's database

    private func ownerDatabase() -> [CheckFinding] {
        guard let owner else { return [] }
        do throws(SetupFailure) {
            guard try owner.exists() else {
                return [CheckFinding("database", .ok, "there is no database \(owner.name) yet; setup makes it")]
            }
            return Self.findings(try owner.facts(), owner.name)
        } catch {
            return [CheckFinding("database", .failed, error.description)]
        }
    }

    static func findings(_ facts: OwnerDatabase.Facts, _ name: String) -> [CheckFinding] {
        var failures: [String] = []
        if facts.version < 150_000 {
            failures.append("PostgreSQL \(facts.version / 10_000) is too old; 15 or newer is needed")
        }
        if facts.encoding != "UTF8" {
            failures.append("the database \(name) is encoded in \(facts.encoding); make one with --encoding=UTF8")
        }
        if facts.isStandby { failures.append("that server is a standby; name its primary") }
        if !facts.mayCreate, !facts.isStandby {
            failures.append("the role may not create a schema; grant create on database \(name) to it")
        }
        if !facts.mayCreateRoles, !facts.hasResponder {
            failures.append(
                "the role may not make \(OwnerDatabase.responder); alter role … createrole, or have a DBA make that role"
            )
        }
        guard failures.isEmpty else { return failures.map { CheckFinding("database", .failed, $0) } }
        return [CheckFinding("database", .ok, "PostgreSQL \(facts.version / 10_000)")]
    }

    // MARK: nginx

    private func nginx() -> [CheckFinding] {
        let derived = SetupDefaults.derived(answers, paths)
        func text(_ name: String) -> String? { answers[name] ?? derived[name] }
        var findings: [CheckFinding] = []
        func fail(_ reason: String) { findings.append(CheckFinding("nginx", .failed, reason)) }
        if text("NOVATUNE_NGINX_SERVER_NAME") == nil {
            fail("NOVATUNE_NGINX_SERVER_NAME is required: the host name that players use, or _ for every name")
        }
        let (certificate, key) = (text("NOVATUNE_NGINX_CERTIFICATE"), text("NOVATUNE_NGINX_CERTIFICATE_KEY"))
        let scheme = text("NOVATUNE_NGINX_SCHEME")
        if certificate == nil, scheme != "http" {
            fail(
                "NOVATUNE_NGINX_CERTIFICATE and NOVATUNE_NGINX_CERTIFICATE_KEY are required, because tokens are secrets; where a "
                    + "proxy in front speaks TLS, set NOVATUNE_NGINX_SCHEME=http")
        }
        if certificate != nil, key == nil { fail("NOVATUNE_NGINX_CERTIFICATE_KEY is required with a certificate") }
        for (name, path) in [("NOVATUNE_NGINX_CERTIFICATE", certificate), ("NOVATUNE_NGINX_CERTIFICATE_KEY", key)] {
            guard let path, scheme != "http" else { continue }
            if unsafe access(path, R_OK) != 0 { fail("\(name): there is no file \(path)") }
        }
        guard findings.isEmpty else { return findings }
        return [CheckFinding("nginx", .ok, scheme == "http" ? "without TLS, for a proxy in front" : "with TLS")]
    }
}
