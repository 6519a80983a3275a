public import OperatorSettings
public import SigV4

/// Settings of the keys that seal cache entries.
public enum KeySetting {
    public static let ring = Setting.text(
        "NOVATUNE_CACHE_KEYS", shownDefault: "this or one of the next two", handling: .secretReadByConsumer,
        isReloadable: true, isDocument: true,
        #"key ring {"current":"v1","keys":{"v1":"<base64 of 32 bytes>"}}, or with "wrappedKeys""#)
    public static let directory = Setting.text(
        "NOVATUNE_CACHE_KEYS_DIRECTORY", isReloadable: true,
        "key ring as a directory, as Kubernetes mounts a secret: a file for each version, and one named current that names one"
    )
    public static let command = Setting.text(
        "NOVATUNE_CACHE_KEYS_COMMAND", handling: .hidden, isReloadable: true,
        #"a command that prints the key ring (Vault, SOPS, …): /path/to/program argument …, or ["/path","argument"]; no shell"#
    )
    /// A command and KMS may both take as long, and so may a command for the store's credentials: together less than the
    /// 90 s that systemd waits for a start.
    public static let timeout = Setting.duration(
        "NOVATUNE_CACHE_KEYS_TIMEOUT", .milliseconds(100) ... .seconds(12), default: .seconds(10), isReloadable: true,
        "for that command, and for AWS KMS")

    public static let group = SettingGroup(
        "Cache keys",
        [ring.declaration, directory.declaration, command.declaration, timeout.declaration] + KMSSetting.declarations)
}

/// Settings of AWS KMS, which unwraps a ring's keys.
public enum KMSSetting {
    public static let keyID = Setting.text(
        "NOVATUNE_KMS_KEY_ID", isReloadable: true,
        "the AWS KMS key that wraps the keys of a ring with wrappedKeys: id, ARN or alias")
    public static let region = Setting<String>(
        "NOVATUNE_KMS_REGION", shownDefault: "NOVATUNE_S3_REGION", isReloadable: true, "the region of that key"
    ) { (text) throws(InvalidValue) in
        guard isRegion(text) else { throw InvalidValue("not a region such as eu-central-1") }
        return text
    }
    public static let endpoint = Setting<Endpoint>(
        "NOVATUNE_KMS_ENDPOINT", shownDefault: "https://kms.<region>.amazonaws.com", isReloadable: true,
        "where KMS is: https, or http on this machine"
    ) { (text) throws(InvalidValue) in
        guard let endpoint = Endpoint(text) else { throw InvalidValue("not http://host[:port] or https://host[:port]") }
        guard endpoint.scheme == .https || endpoint.isLoopback else {
            throw InvalidValue("https, or http on this machine only: keys pass through it")
        }
        return endpoint
    }
    public static let certificateAuthorities = Setting.text(
        "NOVATUNE_KMS_CA_BUNDLE", shownDefault: "the machine's authorities", isReloadable: true,
        "PEM file to verify a private KMS endpoint against")
    public static let accessKeyID = Setting.text(
        "NOVATUNE_KMS_ACCESS_KEY_ID", shownDefault: "the object store's", handling: .secret, isReloadable: true,
        "credentials for kms:Decrypt")
    public static let secretAccessKey = Setting.text(
        "NOVATUNE_KMS_SECRET_ACCESS_KEY", shownDefault: "the object store's", handling: .secret, isReloadable: true,
        "belongs to that id")
    public static let sessionToken = Setting.text(
        "NOVATUNE_KMS_SESSION_TOKEN", handling: .secret, isReloadable: true, "for temporary credentials")

    public static let declarations = [
        keyID.declaration, region.declaration, endpoint.declaration, certificateAuthorities.declaration,
        accessKeyID.declaration,
        secretAccessKey.declaration, sessionToken.declaration,
    ]

    /// Part of a host's name and of what is signed.
    public static func isRegion(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                ($0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7a) || (0x30...0x39).contains($0) || $0 == 0x2d
            }
    }
}
