import BearerTokens
import Cryptography
import FastCGI
import KeyManagement
import Observability
import OperatorSettings
import PostgreSQLTrackStore
import ProviderKeys
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import SigV4
import StreamResponder

/// Turns raw settings into valid ones. It continues after an issue, so that all are reported together.
struct SettingsReader {
    let source: SettingsSource
    var issues: [SettingIssue]
    /// The number of issues that may be gone the next time, though nothing is changed.
    var temporaryIssues = 0
    /// How the store's credentials are read.
    var credentialsReading = CredentialsReading.asSet
    var providerKeysReading = ProviderKeysReading.withoutAsking

    /// - Parameter needed: only issues about these settings count; nil for all.
    /// - Throws: where the file of settings cannot be read. What else is missing may stand in it.
    init(_ source: SettingsSource, about needed: [SettingDeclaration]? = nil) throws(SettingsError) {
        if let issue = source.unreadableConfig { throw SettingsError(issues: [issue]) }
        self.source = source
        issues = needed.map { source.issues(about: $0) } ?? source.issues
    }

    /// - Parameters:
    ///   - inherited: sockets that were open at start, by name (`stream`, `gate`).
    ///   - keySets: those of providers; nil where no provider is asked.
    ///   - known: the store's credentials, where they have just been read.
    static func read(
        _ source: SettingsSource, inherited: [String: SocketAddress], keySets: ProviderKeySets? = nil,
        known: Credentials? = nil
    ) throws(SettingsError) -> LoadedSettings {
        var reader = try SettingsReader(source)
        if let keySets { reader.providerKeysReading = .from(keySets) }
        if let known { reader.credentialsReading = .known(known) }
        let (settings, tokens, credentials, keyRing) = try reader.read(inherited) { (source) throws(KeyRingError) in
            try source.read()
        }
        guard let keyRing, let credentials else {
            preconditionFailure("a key ring or credentials that could not be read are an issue")
        }
        return LoadedSettings(
            settings: settings,
            secrets: Secrets(
                declaredTokens: tokens.declared, tokens: tokens.accepted, keyRing: keyRing,
                storeCredentials: credentials),
            keyFailures: tokens.failures)
    }

    /// Everything that files and the environment say, without a command and without a service.
    static func readWithoutConnecting(
        _ source: SettingsSource, inherited: [String: SocketAddress]
    ) throws(SettingsError) -> LocalSettings {
        var reader = try SettingsReader(source)
        reader.credentialsReading = .withoutAsking
        let (settings, tokens, credentials, keyRing) = try reader.read(inherited) { (source) throws(KeyRingError) in
            try source.readLocally()
        }
        return LocalSettings(settings: settings, tokens: tokens, keyRing: keyRing, storeCredentials: credentials)
    }

    /// The settings that are needed to reach every cache, and no more: another service that invalidates has neither the
    /// store's nor the tokens' keys.
    static func readInvalidation(_ source: SettingsSource) throws(SettingsError) -> (DatabaseSettings, CacheSettings) {
        let needed = DatabaseSetting.group.declarations + CacheSetting.connection
        var reader = try SettingsReader(source, about: needed)
        let (database, cache) = (reader.database(), reader.cache())
        guard reader.issues.isEmpty, let database, let cache else { throw SettingsError(issues: reader.issues) }
        return (database, cache)
    }

    /// The store's credentials alone.
    static func readStoreCredentials(_ source: SettingsSource) throws(SettingsError) -> Credentials {
        let settings = [
            S3Setting.accessKeyID, S3Setting.secretAccessKey, S3Setting.sessionToken, S3Setting.credentials,
            S3Setting.credentialsCommand,
        ]
        var reader = try SettingsReader(source, about: settings.map(\.declaration))
        guard case .known(let credentials)? = reader.storeCredentials(), reader.issues.isEmpty else {
            throw SettingsError(issues: reader.issues, isTemporary: reader.temporaryIssues == reader.issues.count)
        }
        return credentials
    }

    /// The settings of tokens alone.
    static func readTokens(_ source: SettingsSource, keySets: ProviderKeySets) throws(SettingsError) -> ReadTokens {
        var reader = try SettingsReader(source, about: TokenSetting.group.declarations)
        reader.providerKeysReading = .from(keySets)
        guard let tokens = reader.tokens(), reader.issues.isEmpty else {
            throw SettingsError(issues: reader.issues, isTemporary: reader.temporaryIssues == reader.issues.count)
        }
        return tokens
    }

    /// - Parameter readRing: nil where the source cannot be asked.
    private mutating func read(
        _ inherited: [String: SocketAddress], _ readRing: (any KeyRingSource) throws(KeyRingError) -> KeyRing?
    ) throws(SettingsError) -> (Settings, ReadTokens, Credentials?, KeyRing?) {
        let responder = responder(inherited)
        let database = database()
        let cache = cache()
        let copies = cacheCopies(cache)
        let buffer = value(CacheSetting.ttlBuffer)
        let s3 = objectStore(buffer)
        let credentials = storeCredentials()
        let tokens = tokens()
        let keyRingSource = keyRingSource(credentials)
        let breaker = breaker()
        let logLevel = value(LogSetting.level)
        let traces = traces()
        // Last, because it may have to wait for a service or a command; and not where that needs credentials that there
        // are not now.
        let keyRing = temporaryIssues == 0 ? keyRingSource.flatMap { readKeyRing($0, readRing) } : nil

        guard issues.isEmpty, let responder, let database, let cache, let copies, let buffer, let s3, let credentials,
            let tokens, let keyRingSource, let breaker, let logLevel
        else { throw SettingsError(issues: issues, isTemporary: temporaryIssues == issues.count) }
        let settings = Settings(
            responder: responder, database: database, cache: cache, cacheCopies: copies,
            cacheTTLBuffer: s3.signingWindow.map { s3.presignExpiry - $0.length } ?? buffer,
            keyRingSource: keyRingSource, s3: s3, breaker: breaker,
            logLevel: logLevel, traces: traces, watchedPaths: source.watchedPaths)
        return (settings, tokens, credentials.value, keyRing)
    }

    // MARK: One setting

    /// The setting's value, or its default. Nil where it is wrong or missing, which is an issue then, and where an
    /// optional one is not set.
    mutating func value<Value>(_ setting: Setting<Value>) -> Value? {
        guard let text = source.text(setting) else {
            if let fallback = setting.fallback { return fallback }
            if setting.declaration.presence == .required { reportMissing(setting.declaration) }
            return nil
        }
        do {
            return try setting.value(text)
        } catch {
            issues.append(SettingIssue(setting.declaration, reason: error.description))
            return nil
        }
    }

    mutating func reportMissing(_ setting: SettingDeclaration) {
        // A _FILE that could not be read has already been reported.
        if !issues.contains(where: { $0.subject == .setting(setting.name) }) { issues.append(.missing(setting)) }
    }

    mutating func report<Value>(_ setting: Setting<Value>, _ sentence: String) {
        issues.append(SettingIssue(setting.declaration, sentence: sentence))
    }

    // MARK: Groups

    private mutating func responder(_ inherited: [String: SocketAddress]) -> ResponderSettings? {
        let listen = socket(ResponderSetting.listen, inherited["stream"], "/run/novatune/stream.sock")
        let gateListen = socket(ResponderSetting.gateListen, inherited["gate"], "/run/novatune/gate.sock")
        if let listen, listen == gateListen {
            report(ResponderSetting.gateListen, "NOVATUNE_LISTEN and NOVATUNE_GATE_LISTEN are the same socket")
        }
        let loops = value(ResponderSetting.loops)
        let (requestTimeout, queueTimeout) = (
            value(ResponderSetting.requestTimeout), value(ResponderSetting.queueTimeout)
        )
        guard let listen, let gateListen, let loops, let requestTimeout, let queueTimeout else { return nil }
        return ResponderSettings(
            listen: listen, gateListen: gateListen, loops: loops, requestTimeout: requestTimeout,
            queueTimeout: queueTimeout)
    }

    private mutating func socket(_ setting: Setting<SocketAddress>, _ inherited: SocketAddress?, _ defaultPath: String)
        -> SocketAddress?
    {
        source.text(setting) == nil ? inherited ?? .unix(path: defaultPath) : value(setting)
    }

    mutating func database() -> DatabaseSettings? {
        let (url, subscriberURL) = (value(DatabaseSetting.url), value(DatabaseSetting.subscriberURL))
        let (timeout, statements, replicaLag) = (
            value(DatabaseSetting.timeout), value(DatabaseSetting.statements), value(DatabaseSetting.replicaLag)
        )
        guard let url, let timeout, let statements, let replicaLag else { return nil }
        return DatabaseSettings(
            url: url, urlFile: source.file(DatabaseSetting.url), subscriberURL: subscriberURL,
            subscriberURLFile: source.file(DatabaseSetting.subscriberURL), timeout: timeout,
            access: AccessOptions(statements: statements, replicaLag: replicaLag))
    }

    private mutating func cacheCopies(_ cache: CacheSettings?) -> Int? {
        let copies = value(CacheSetting.copies)
        if let copies, copies > 0, case .memory? = cache?.url {
            report(
                CacheSetting.copies,
                "NOVATUNE_CACHE_COPIES is for a cache server; this cache is in the process: memory:?entries=N sets its size"
            )
        }
        return copies
    }

    private mutating func breaker() -> BreakerSettings? {
        let (failures, open) = (value(BreakerSetting.failures), value(BreakerSetting.open))
        guard let failures, let open else { return nil }
        return BreakerSettings(failures: failures, open: open)
    }

    /// Nil where they are off, or wrong.
    private mutating func traces() -> TraceSettings? {
        let (ratio, endpoint) = (value(TraceSetting.sampleRatio), value(TraceSetting.endpoint))
        let variables = source.traceVariables
        guard let ratio, let url = endpoint.map(TraceSetting.url) ?? variables.destination?.url else { return nil }
        return TraceSettings(
            url: url, sampler: variables.sampler ?? Sampler(ratio: ratio), attributes: variables.attributes)
    }
}
