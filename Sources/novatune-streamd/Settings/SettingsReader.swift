import BearerTokens
import Cryptography
import FastCGI
import Glibc
import KeyManagement
import Logging
import PostgreSQLTrackStore
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

/// Turns raw settings into valid ones. It continues after a complaint, so that all are reported together.
struct SettingsReader {
    let values: [SettingName: String]
    let files: [SettingName: String]
    private let watchedPaths: [String]
    private let inherited: [String: SocketAddress]
    var complaints: [String]
    /// The number of complaints that may be gone the next time, though nothing is changed.
    var temporaryComplaints = 0

    init(_ source: SettingsSource, inherited: [String: SocketAddress], complaints: [String]) {
        values = source.values
        files = source.files
        watchedPaths = source.watchedPaths
        self.inherited = inherited
        self.complaints = complaints
    }

    /// - Parameter inherited: sockets that were open at start, by name (`stream`, `gate`).
    static func read(_ source: SettingsSource, inherited: [String: SocketAddress]) throws(SettingsError) -> LoadedSettings {
        var reader = SettingsReader(source, inherited: inherited, complaints: source.complaints)
        return try reader.read()
    }

    /// The settings that are needed to reach every cache, and no more: another service that invalidates has neither the store's nor the
    /// tokens' keys.
    static func readInvalidation(_ source: SettingsSource) throws(SettingsError) -> (DatabaseSettings, CacheSettings) {
        let names: [SettingName] = [.databaseURL, .databaseTimeout, .cacheURL, .cachePrefix, .cacheTimeout]
        var reader = SettingsReader(source, inherited: [:], complaints: source.complaints(about: names))
        let (database, cache) = (reader.database(), reader.cache())
        guard reader.complaints.isEmpty, let database, let cache else { throw SettingsError(complaints: reader.complaints) }
        return (database, cache)
    }

    private mutating func read() throws(SettingsError) -> LoadedSettings {
        let listen = address(.listen, inherited["stream"], "/run/novatune/stream.sock")
        let gateListen = address(.gateListen, inherited["gate"], "/run/novatune/gate.sock")
        if let listen, listen == gateListen { complaints.append("NOVATUNE_LISTEN and NOVATUNE_GATE_LISTEN are the same socket") }
        let loops = integer(.loops, 1...16, default: Settings.defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        let database = database()
        let cache = cache()
        let expiry = duration(.presignExpiry, Presigner.expiryRange, default: .seconds(120))
        let buffer = duration(.cacheTTLBuffer, .zero ... .seconds(7 * 86_400), default: .seconds(30))
        if let expiry, let buffer, buffer >= expiry {
            complaints.append("NOVATUNE_CACHE_TTL_BUFFER must be less than NOVATUNE_PRESIGN_EXPIRY")
        }
        if let expiry, expiry.components.attoseconds != 0 { complaints.append("NOVATUNE_PRESIGN_EXPIRY: whole seconds only") }
        let s3 = objectStore(expiry)
        let credentials = storeCredentials()
        let keySet = tokenKeys()
        let keyRingSource = keyRingSource(credentials)
        let issuer = required(.jwtIssuer)
        let audience = required(.jwtAudience)
        let leeway = duration(.jwtLeeway, .zero ... .seconds(300), default: .zero)
        let logLevel = choice(.logLevel, Logger.Level.allCases, default: .info)
        let requestTimeout = duration(.requestTimeout, .milliseconds(100) ... .seconds(14), default: .seconds(10))
        let queueTimeout = duration(.queueTimeout, .milliseconds(10) ... .seconds(10), default: .seconds(2))
        let breakerFailures = integer(.breakerFailures, 1...1000, default: 5)
        let breakerOpen = duration(.breakerOpen, .milliseconds(100) ... .seconds(3600), default: .seconds(30))

        let traces = traces()
        // Last, because it may have to wait for a service or a command.
        let keyRing = keyRingSource.flatMap { readKeyRing($0) }

        guard complaints.isEmpty, let listen, let gateListen, let loops, let database, let cache, let keyRingSource, let keyRing,
            let buffer, let s3, let credentials, let keySet, let issuer, let audience, let leeway, let requestTimeout, let queueTimeout,
            let breakerFailures, let breakerOpen, let logLevel
        else { throw SettingsError(complaints: complaints, isTemporary: temporaryComplaints == complaints.count) }
        let settings = Settings(
            listen: listen, gateListen: gateListen, loops: loops, database: database, cache: cache,
            keyRingSource: keyRingSource, cacheTTLBuffer: buffer, s3: s3,
            claims: ClaimRequirements(issuer: issuer, audience: audience, leeway: leeway),
            requestTimeout: requestTimeout, queueTimeout: queueTimeout, breakerFailures: breakerFailures, breakerOpen: breakerOpen,
            logLevel: logLevel, traces: traces, watchedPaths: watchedPaths)
        return LoadedSettings(
            settings: settings, secrets: Secrets(keySet: keySet, keyRing: keyRing, storeCredentials: credentials))
    }

    private mutating func database() -> DatabaseSettings? {
        let url = required(.databaseURL)
        if let url, !PostgreSQLTrackStore.isValid(conninfo: SecretText(url)) {
            complaints.append("NOVATUNE_DATABASE_URL: not a libpq URI or keywords (a % @ : / in a password is written %25 %40 %3A %2F)")
        }
        guard let timeout = duration(.databaseTimeout, .milliseconds(10) ... .seconds(60), default: .seconds(2)), let url else {
            return nil
        }
        return DatabaseSettings(url: SecretText(url), timeout: timeout)
    }

    mutating func cache() -> CacheSettings? {
        let url = parsed(.cacheURL, default: "memory:") { (text) throws(CacheURLError) in try CacheURL(text) }
        let prefix = cachePrefix()
        let timeout = duration(.cacheTimeout, .milliseconds(10) ... .seconds(60), default: .milliseconds(500))
        guard let url, let prefix, let timeout else { return nil }
        return CacheSettings(url: url, prefix: prefix, timeout: timeout)
    }

    private mutating func objectStore(_ expiry: Duration?) -> S3Settings? {
        let endpoint = endpoint(.s3Endpoint, required(.s3Endpoint))
        let publicEndpoint = values[.s3PublicEndpoint] == nil ? endpoint : self.endpoint(.s3PublicEndpoint, values[.s3PublicEndpoint])
        let region = name(.s3Region, length: 1...64)
        let bucket = name(.s3Bucket, length: 3...63)
        let addressing = choice(.s3Addressing, [Endpoint.Addressing.path, .virtual], default: .path)
        let timeout = duration(.s3Timeout, .milliseconds(10) ... .seconds(60), default: .seconds(5))
        let verification = choice(.s3Verify, S3Settings.Verification.allCases, default: .object)
        guard let endpoint, let publicEndpoint, let region, let bucket, let addressing, let timeout, let verification, let expiry
        else { return nil }
        if !(bucket.first?.isLetter ?? false || bucket.first?.isNumber ?? false)
            || !(bucket.last?.isLetter ?? false || bucket.last?.isNumber ?? false)
        {
            complaints.append("NOVATUNE_S3_BUCKET: begins and ends with a letter or digit")
        }
        if addressing == .virtual {
            let contacted = verification == .none ? [publicEndpoint] : [endpoint, publicEndpoint]
            let isAddress = contacted.contains {
                $0.host.hasPrefix("[") || $0.host.allSatisfy { $0.isNumber || $0 == "." }
            }
            if isAddress { complaints.append("NOVATUNE_S3_ADDRESSING: virtual needs an endpoint with a name, not an address") }
            if bucket.contains(where: { $0.isUppercase || $0 == "_" }) {
                complaints.append("NOVATUNE_S3_ADDRESSING: virtual needs a bucket of lower-case letters, digits, - and .")
            }
        }
        if addressing == .virtual, bucket.contains("."), [endpoint, publicEndpoint].contains(where: { $0.scheme == .https }) {
            complaints.append("NOVATUNE_S3_ADDRESSING: no certificate fits a bucket name with dots under virtual addressing; use path")
        }
        return S3Settings(
            endpoint: endpoint, publicEndpoint: publicEndpoint, region: region, bucket: bucket, addressing: addressing,
            presignExpiry: expiry, timeout: timeout, verification: verification)
    }

    /// Nil where they are off, or wrong.
    private mutating func traces() -> TraceSettings? {
        let ratio = values[.otlpSampleRatio].map { Double($0) ?? .nan } ?? 0.01
        if !(0...1).contains(ratio) { complaints.append("NOVATUNE_OTLP_SAMPLE_RATIO: not a number from 0 to 1") }
        guard let text = values[.otlpEndpoint], endpoint(.otlpEndpoint, text) != nil else { return nil }
        return TraceSettings(endpoint: text, sampleRatio: ratio)
    }

    private mutating func tokenKeys() -> KeySet? {
        guard values[.jwtKeys] != nil || values[.jwtSecret] != nil else {
            complaints.append("NOVATUNE_JWT_KEYS_FILE or NOVATUNE_JWT_HS256_SECRET is required")
            return nil
        }
        let published = values[.jwtKeys].flatMap { text in
            complaining(.jwtKeys) { () throws(KeySetError) in try KeySet.keys(jsonWebKeySet: Array(text.utf8)) }
        }
        let shared = values[.jwtSecret].flatMap { text in
            complaining(.jwtSecret) { () throws(KeySetError) in try VerificationKey(sharedSecret: SymmetricKey(Array(text.utf8))) }
        }
        let keys = (published ?? []) + (shared.map { [$0] } ?? [])
        // Where one of the two is refused, that has already been reported.
        guard !keys.isEmpty else { return nil }
        return complaining(.jwtKeys) { () throws(KeySetError) in try KeySet(keys) }
    }

    mutating func required(_ name: SettingName) -> String? {
        if let value = values[name] { return value }
        // A _FILE that could not be read has already been reported.
        if !complaints.contains(where: { $0.hasPrefix(name.fileName) }) {
            complaints.append(name.mayComeFromFile ? "\(name.rawValue) or \(name.fileName) is required" : "\(name.rawValue) is required")
        }
        return nil
    }

    private mutating func address(_ name: SettingName, _ inherited: SocketAddress?, _ defaultPath: String) -> SocketAddress? {
        guard let text = values[name] else { return inherited ?? .unix(path: defaultPath) }
        if let address = SocketAddress(text) { return address }
        complaints.append("\(name.rawValue): not unix:/path (at most 107 bytes), fd:N or a numeric address:port")
        return nil
    }

    private mutating func parsed<Value, Failure: Error & CustomStringConvertible>(
        _ name: SettingName, default fallback: String? = nil, _ parse: (String) throws(Failure) -> Value
    ) -> Value? {
        guard let text = values[name] ?? fallback ?? required(name) else { return nil }
        return complaining(name) { () throws(Failure) in try parse(text) }
    }

    mutating func complaining<Value, Failure: Error & CustomStringConvertible>(
        _ name: SettingName, _ make: () throws(Failure) -> Value
    ) -> Value? {
        do {
            return try make()
        } catch {
            complaints.append("\(name.rawValue): \(error)")
            return nil
        }
    }

    private mutating func integer(_ name: SettingName, _ range: ClosedRange<Int>, default fallback: Int) -> Int? {
        guard let text = values[name] else { return fallback }
        if let number = Int(text), range.contains(number) { return number }
        complaints.append("\(name.rawValue): not a number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    mutating func duration(_ name: SettingName, _ range: ClosedRange<Duration>, default fallback: Duration) -> Duration? {
        guard let text = values[name] else { return fallback }
        guard let duration = DurationSetting.parse(text) else {
            complaints.append("\(name.rawValue): not a duration such as 120s, 2m, 500ms or 00:02:00")
            return nil
        }
        if range.contains(duration) { return duration }
        complaints.append("\(name.rawValue): not from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    private mutating func choice<Value: RawRepresentable<String>>(_ name: SettingName, _ cases: [Value], default fallback: Value) -> Value?
    {
        guard let text = values[name] else { return fallback }
        if let value = cases.first(where: { $0.rawValue == text }) { return value }
        complaints.append("\(name.rawValue): not one of \(cases.map(\.rawValue).joined(separator: ", "))")
        return nil
    }

    mutating func endpoint(_ name: SettingName, _ text: String?) -> Endpoint? {
        guard let text else { return nil }
        if let endpoint = Endpoint(text) { return endpoint }
        complaints.append("\(name.rawValue): not http://host[:port] or https://host[:port]")
        return nil
    }

    /// Region and bucket: what may stand in a host name, or between slashes of a credential scope.
    private mutating func name(_ name: SettingName, length: ClosedRange<Int>) -> String? {
        guard let text = required(name) else { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            Character(Unicode.Scalar(byte)).isASCII
                && (Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
        }
        if isPlain, length.contains(text.utf8.count) { return text }
        complaints.append("\(name.rawValue): not \(length.lowerBound) to \(length.upperBound) of letters, digits, - . _")
        return nil
    }

    private mutating func cachePrefix() -> String? {
        let text = values[.cachePrefix] ?? "stream"
        let isPlain = text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }
        if isPlain, (1...64).contains(text.utf8.count) { return text }
        complaints.append("NOVATUNE_CACHE_PREFIX: not 1 to 64 printable characters without colon and space")
        return nil
    }
}
