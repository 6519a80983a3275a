import Cryptography
import KeyManagement
import SigV4
import StreamIssuing

// Where keys and credentials come from.
extension SettingsReader {
    /// All three from one document, or one by one.
    mutating func storeCredentials() -> Credentials? {
        guard values[.s3Credentials] != nil || files[.s3Credentials] != nil else {
            return credentials(.s3AccessKeyID, .s3SecretAccessKey, .s3SessionToken)
        }
        for name in [SettingName.s3AccessKeyID, .s3SecretAccessKey, .s3SessionToken] where values[name] != nil {
            complaints.append("\(name.rawValue) and NOVATUNE_S3_CREDENTIALS are both set; keep one")
        }
        // A file that could not be read has already been reported.
        return values[.s3Credentials].flatMap { text in
            complaining(.s3Credentials) { () throws(CredentialsDocument.Invalid) in
                try CredentialsDocument(json: Array(text.utf8)).credentials
            }
        }
    }

    private mutating func credentials(_ id: SettingName, _ secret: SettingName, _ token: SettingName) -> Credentials? {
        let (accessKeyID, secretAccessKey) = (required(id), required(secret))
        guard let accessKeyID, let secretAccessKey else { return nil }
        return Credentials(accessKeyID: accessKeyID, secretAccessKey: secretAccessKey, sessionToken: values[token])
    }

    /// A command and KMS may both take as long, on the thread that sends the service manager a heartbeat every 30 s.
    private static let keysTimeouts: ClosedRange<Duration> = .milliseconds(100) ... .seconds(12)

    mutating func keyRingSource(_ storeCredentials: Credentials?) -> (any KeyRingSource)? {
        let timeout = duration(.cacheKeysTimeout, Self.keysTimeouts, default: .seconds(10))
        let wrapping = values[.kmsKeyID].flatMap { keyWrapping($0, storeCredentials, timeout) }
        complainAboutLoneKMSSettings()
        let command = values[.cacheKeysCommand].flatMap { commandArguments($0) }
        let isText = values[.cacheKeys] != nil || files[.cacheKeys] != nil
        let named: [(SettingName, Bool)] = [
            (.cacheKeys, isText), (.cacheKeysDirectory, values[.cacheKeysDirectory] != nil),
            (.cacheKeysCommand, values[.cacheKeysCommand] != nil),
        ]
        let chosen = named.filter(\.1).map(\.0.rawValue)
        guard chosen.count == 1 else {
            complaints.append(
                chosen.isEmpty
                    ? "NOVATUNE_CACHE_KEYS_FILE, NOVATUNE_CACHE_KEYS_DIRECTORY or NOVATUNE_CACHE_KEYS_COMMAND is required"
                    : "\(chosen.joined(separator: " and ")) are both set; keep one")
            return nil
        }
        if let text = values[.cacheKeys] { return TextKeyRing(text, wrapping: wrapping) }
        if let path = files[.cacheKeys] { return FileKeyRing(path, wrapping: wrapping) }
        if let path = values[.cacheKeysDirectory] { return DirectoryKeyRing(path) }
        guard let command, let timeout else { return nil }
        return CommandKeyRing(command, timeout: timeout, wrapping: wrapping)
    }

    private static let keyNames: [SettingName] = [
        .cacheKeys, .cacheKeysDirectory, .cacheKeysCommand, .cacheKeysTimeout, .kmsKeyID, .kmsRegion, .kmsEndpoint, .kmsCABundle,
        .kmsAccessKeyID, .kmsSecretAccessKey, .kmsSessionToken, .s3Region, .s3Credentials, .s3AccessKeyID, .s3SecretAccessKey,
        .s3SessionToken,
    ]

    /// The settings that are needed to read a ring, and how often its keys have sealed.
    /// - Parameter file: instead of the ring of the settings.
    static func readKeys(
        _ source: SettingsSource, file: String?
    ) throws(SettingsError) -> (source: any KeyRingSource, cache: CacheSettings) {
        let names = keyNames + [.cacheURL, .cachePrefix, .cacheTimeout]
        var reader = SettingsReader(source, inherited: [:], complaints: source.complaints(about: names))
        let cache = reader.cache()
        let ringSource: (any KeyRingSource)? =
            if let file {
                FileKeyRing(file, wrapping: reader.values[.kmsKeyID] == nil ? nil : reader.ownKeyWrapping())
            } else {
                reader.keyRingSource(reader.credentialsForKMS())
            }
        guard reader.complaints.isEmpty, let ringSource, let cache else { throw SettingsError(complaints: reader.complaints) }
        return (ringSource, cache)
    }

    /// The settings that are needed to wrap and unwrap.
    static func readKeyWrapping(_ source: SettingsSource) throws(SettingsError) -> any KeyWrapping {
        var reader = SettingsReader(source, inherited: [:], complaints: source.complaints(about: keyNames))
        if reader.values[.kmsKeyID] == nil { reader.complaints.append("NOVATUNE_KMS_KEY_ID is required") }
        let wrapping = reader.ownKeyWrapping()
        guard reader.complaints.isEmpty, let wrapping else { throw SettingsError(complaints: reader.complaints) }
        return wrapping
    }

    private mutating func ownKeyWrapping() -> AWSKMS? {
        let timeout = duration(.cacheKeysTimeout, Self.keysTimeouts, default: .seconds(10))
        let credentials = credentialsForKMS()
        return values[.kmsKeyID].flatMap { keyWrapping($0, credentials, timeout) }
    }

    /// The store's, where KMS has none of its own; they are read only where a key needs KMS.
    private mutating func credentialsForKMS() -> Credentials? {
        guard values[.kmsKeyID] != nil, !hasKMSCredentials else { return nil }
        return storeCredentials()
    }

    /// Whether at least some are set; without any, KMS is called with the store's.
    private var hasKMSCredentials: Bool {
        [SettingName.kmsAccessKeyID, .kmsSecretAccessKey, .kmsSessionToken].contains { values[$0] != nil }
    }

    mutating func readKeyRing(_ source: any KeyRingSource) -> KeyRing? {
        do {
            return try source.read()
        } catch {
            let name: String =
                if files[.cacheKeys] != nil {
                    SettingName.cacheKeys.fileName
                } else if values[.cacheKeys] != nil {
                    SettingName.cacheKeys.rawValue
                } else {
                    (values[.cacheKeysDirectory] != nil ? SettingName.cacheKeysDirectory : .cacheKeysCommand).rawValue
                }
            complaints.append("\(name): \(error)")
            if error.isTemporary { temporaryComplaints += 1 }
            return nil
        }
    }

    /// A path and arguments, separated by spaces; or a JSON array, where one of them contains a space.
    private mutating func commandArguments(_ text: String) -> [String]? {
        guard let arguments = CommandLineText.arguments(text), let program = arguments.first, program.hasPrefix("/") else {
            complaints.append(
                #"NOVATUNE_CACHE_KEYS_COMMAND: not an absolute path and arguments parted by spaces, nor a JSON array of them"#)
            return nil
        }
        return arguments
    }

    private mutating func keyWrapping(
        _ keyID: String, _ storeCredentials: Credentials?, _ timeout: Duration?
    ) -> AWSKMS? {
        guard let region = values[.kmsRegion] ?? values[.s3Region], Self.isRegion(region) else {
            complaints.append("NOVATUNE_KMS_REGION: a region such as eu-central-1 is required, here or as NOVATUNE_S3_REGION")
            return nil
        }
        let endpoint = endpoint(.kmsEndpoint, values[.kmsEndpoint] ?? "https://kms.\(region).amazonaws.com")
        if let endpoint, endpoint.scheme == .http, !endpoint.isLoopback {
            complaints.append("NOVATUNE_KMS_ENDPOINT: https, or http on this machine only: keys pass through it")
        }
        let credentials = hasKMSCredentials ? credentials(.kmsAccessKeyID, .kmsSecretAccessKey, .kmsSessionToken) : storeCredentials
        guard let endpoint, let credentials, let timeout else { return nil }
        return AWSKMS(
            AWSKMS.Settings(
                endpoint: endpoint, region: region, keyID: keyID, credentials: credentials, timeout: timeout,
                certificateAuthorities: values[.kmsCABundle]), clock: SystemClock())
    }

    /// Part of a host's name and of what is signed.
    private static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    private mutating func complainAboutLoneKMSSettings() {
        guard values[.kmsKeyID] == nil else {
            if values[.cacheKeysDirectory] != nil {
                complaints.append("NOVATUNE_KMS_KEY_ID: the files of NOVATUNE_CACHE_KEYS_DIRECTORY hold keys that are not wrapped")
            }
            return
        }
        let others: [SettingName] = [.kmsRegion, .kmsEndpoint, .kmsCABundle, .kmsAccessKeyID, .kmsSecretAccessKey, .kmsSessionToken]
        for name in others where values[name] != nil { complaints.append("\(name.rawValue): NOVATUNE_KMS_KEY_ID is not set") }
    }
}
