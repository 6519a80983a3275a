import Cryptography
import KeyManagement
import OperatorSettings
import S3ObjectStore
import SealedCache
import SigV4
import StreamIssuing

// Where the keys of the cache come from.
extension SettingsReader {
    private static let needed =
        KeySetting.group.declarations
        + [
            S3Setting.region.declaration, S3Setting.credentials.declaration, S3Setting.accessKeyID.declaration,
            S3Setting.secretAccessKey.declaration, S3Setting.sessionToken.declaration,
            S3Setting.credentialsCommand.declaration,
        ]

    /// The settings that are needed to read a ring, and how often its keys have sealed.
    /// - Parameter file: instead of the ring of the settings.
    static func readKeys(
        _ source: SettingsSource, file: String?
    ) throws(SettingsError) -> (source: any KeyRingSource, cache: CacheSettings) {
        var reader = try SettingsReader(source, about: needed + CacheSetting.connection)
        let cache = reader.cache()
        let ringSource: (any KeyRingSource)? =
            if let file {
                FileKeyRing(file, wrapping: source.text(KMSSetting.keyID) == nil ? nil : reader.ownKeyWrapping())
            } else {
                reader.keyRingSource(reader.credentialsForKMS())
            }
        guard reader.issues.isEmpty, let ringSource, let cache else { throw SettingsError(issues: reader.issues) }
        return (ringSource, cache)
    }

    /// The settings that are needed to wrap and unwrap.
    static func readKeyWrapping(_ source: SettingsSource) throws(SettingsError) -> any KeyWrapping {
        var reader = try SettingsReader(source, about: needed)
        if source.text(KMSSetting.keyID) == nil { reader.issues.append(.missing(KMSSetting.keyID.declaration)) }
        let wrapping = reader.ownKeyWrapping()
        guard reader.issues.isEmpty, let wrapping else { throw SettingsError(issues: reader.issues) }
        return wrapping
    }

    mutating func keyRingSource(_ storeCredentials: StoreCredentials?) -> (any KeyRingSource)? {
        let timeout = value(KeySetting.timeout)
        let wrapping = source.text(KMSSetting.keyID).flatMap { keyWrapping($0, storeCredentials, timeout) }
        checkThatKMSSettingsAreUsed()
        let command = source.text(KeySetting.command).flatMap { commandArguments($0) }
        let sources = [KeySetting.ring, KeySetting.directory, KeySetting.command].filter {
            source.hasValue($0.declaration)
        }
        guard sources.count == 1 else {
            report(
                KeySetting.ring,
                sources.isEmpty
                    ? "NOVATUNE_CACHE_KEYS_FILE, NOVATUNE_CACHE_KEYS_DIRECTORY or NOVATUNE_CACHE_KEYS_COMMAND is required"
                    : "\(sources.map { source.givenName($0) }.joined(separator: " and ")) are both set; keep one")
            return nil
        }
        if let text = source.text(KeySetting.ring) { return TextKeyRing(text, wrapping: wrapping) }
        if let path = source.file(KeySetting.ring) { return FileKeyRing(path, wrapping: wrapping) }
        if let path = source.text(KeySetting.directory) { return DirectoryKeyRing(path) }
        guard let command, let timeout else { return nil }
        return CommandKeyRing(command, timeout: timeout, wrapping: wrapping)
    }

    mutating func readKeyRing(
        _ keyRing: any KeyRingSource, _ read: (any KeyRingSource) throws(KeyRingError) -> KeyRing?
    ) -> KeyRing? {
        do {
            return try read(keyRing)
        } catch {
            let sources = [KeySetting.ring, KeySetting.directory, KeySetting.command]
            let setting = sources.first { source.hasValue($0.declaration) } ?? KeySetting.ring
            report(setting, "\(source.givenName(setting)): \(error)")
            if error.isTemporary { temporaryIssues += 1 }
            return nil
        }
    }

    /// A path and arguments, separated by spaces; or a JSON array, where one of them contains a space.
    private mutating func commandArguments(_ text: String) -> [String]? {
        guard let arguments = CommandLineText.arguments(text), let program = arguments.first, program.hasPrefix("/")
        else {
            report(
                KeySetting.command,
                "NOVATUNE_CACHE_KEYS_COMMAND: not an absolute path and arguments separated by spaces, nor a JSON array of them"
            )
            return nil
        }
        return arguments
    }

    // MARK: AWS KMS

    private mutating func ownKeyWrapping() -> (any KeyWrapping)? {
        let timeout = value(KeySetting.timeout)
        let credentials = credentialsForKMS()
        return source.text(KMSSetting.keyID).flatMap { keyWrapping($0, credentials, timeout) }
    }

    /// The store's, where KMS has none of its own; they are read only where a key needs KMS.
    mutating func credentialsForKMS() -> StoreCredentials? {
        guard source.text(KMSSetting.keyID) != nil, !hasKMSCredentials else { return nil }
        return storeCredentials()
    }

    /// Whether at least some are set; without any, KMS is called with the store's.
    private var hasKMSCredentials: Bool {
        [KMSSetting.accessKeyID, KMSSetting.secretAccessKey, KMSSetting.sessionToken].contains {
            source.text($0) != nil
        }
    }

    private mutating func keyWrapping(_ keyID: String, _ storeCredentials: StoreCredentials?, _ timeout: Duration?)
        -> (any KeyWrapping)?
    {
        guard let region = source.text(KMSSetting.region) ?? source.text(S3Setting.region), KMSSetting.isRegion(region)
        else {
            report(
                KMSSetting.region,
                "NOVATUNE_KMS_REGION: a region such as eu-central-1 is required, here or as NOVATUNE_S3_REGION")
            return nil
        }
        let endpoint =
            source.text(KMSSetting.endpoint) == nil
            ? Endpoint("https://kms.\(region).amazonaws.com") : value(KMSSetting.endpoint)
        let reading =
            hasKMSCredentials
            ? credentials(KMSSetting.accessKeyID, KMSSetting.secretAccessKey, KMSSetting.sessionToken)
                .map { StoreCredentials.known($0) }
            : storeCredentials
        guard let endpoint, let reading, let timeout else { return nil }
        guard let credentials = reading.value else { return UnaskedKeyWrapping() }
        return AWSKMS(
            AWSKMS.Settings(
                endpoint: endpoint, region: region, keyID: keyID, credentials: credentials, timeout: timeout,
                certificateAuthorities: source.text(KMSSetting.certificateAuthorities)), clock: SystemClock())
    }

    private mutating func checkThatKMSSettingsAreUsed() {
        guard source.text(KMSSetting.keyID) == nil else {
            if source.text(KeySetting.directory) != nil {
                report(
                    KMSSetting.keyID,
                    "NOVATUNE_KMS_KEY_ID: the files of NOVATUNE_CACHE_KEYS_DIRECTORY hold keys that are not wrapped")
            }
            return
        }
        guard !source.hasValue(KMSSetting.keyID.declaration) else { return }
        for setting in KMSSetting.declarations where source.hasValue(setting) {
            issues.append(SettingIssue(setting, reason: "NOVATUNE_KMS_KEY_ID is not set"))
        }
    }
}
