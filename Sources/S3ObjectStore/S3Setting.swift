public import OperatorSettings
public import SigV4

/// Where the store's credentials come from.
public enum CredentialsOrigin: String, Sendable, CaseIterable {
    case settings, container, instance
    case webIdentity = "web-identity"
}

/// Settings of the object store and of the URLs that are signed for it.
public enum S3Setting {
    public static let endpoint = address(
        "NOVATUNE_S3_ENDPOINT", .required, shownDefault: "required",
        "where this service reaches the store: https://host[:port][/path]")
    public static let publicEndpoint = address(
        "NOVATUNE_S3_PUBLIC_ENDPOINT", .optional, shownDefault: "NOVATUNE_S3_ENDPOINT",
        "where players reach the store; nginx/render takes the origin of the player's audio from it")
    public static let region = Setting.plainName("NOVATUNE_S3_REGION", length: 1...64, "signed into every URL")
    public static let bucket = Setting<String>(
        "NOVATUNE_S3_BUCKET", .required, shownDefault: "required",
        "the bucket that holds the audio; tenant:bucket for one of a tenant of Ceph that is not the credentials' own"
    ) { (text) throws(InvalidValue) in
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard Setting<String>.isPlainName(parts[parts.count - 1], length: 3...63),
            parts.dropLast().allSatisfy({ Setting<String>.isPlainName($0, length: 1...64) })
        else {
            throw InvalidValue("not 3 to 63 of letters, digits, - . _, nor tenant:bucket")
        }
        return text
    }
    public static let addressing = Setting.choice(
        "NOVATUNE_S3_ADDRESSING", of: [Endpoint.Addressing.path, .virtual], default: .path,
        "path for host/bucket/key, virtual for bucket.host/key")
    public static let pathHandling = Setting.choice(
        "NOVATUNE_S3_ENDPOINT_PATH", of: [Endpoint.PathHandling.kept, .removed], default: .kept,
        "the path of an endpoint, where it has one: kept as far as the store, or removed by a proxy before it")
    public static let certificateAuthorities = Setting.text(
        "NOVATUNE_S3_CA_FILE", shownDefault: "the machine's authorities",
        "PEM file of the authorities that the store's certificate is verified against")
    public static let clientCertificate = Setting.text(
        "NOVATUNE_S3_CLIENT_CERTIFICATE_FILE", .optional,
        "PEM file of the certificate, with its chain, that this service shows to the store")
    public static let clientKey = Setting.text(
        "NOVATUNE_S3_CLIENT_KEY_FILE", shownDefault: "in the certificate's file",
        "PEM file of that certificate's private key, not encrypted")
    public static let accessKeyID = Setting.text(
        "NOVATUNE_S3_ACCESS_KEY_ID", .required, shownDefault: "required, or NOVATUNE_S3_CREDENTIALS_FILE",
        handling: .secret,
        isReloadable: true, "may read the objects (s3:GetObject); nothing else is needed")
    public static let secretAccessKey = Setting.text(
        "NOVATUNE_S3_SECRET_ACCESS_KEY", .required, shownDefault: "required with it", handling: .secret,
        isReloadable: true,
        "belongs to that id")
    public static let sessionToken = Setting.text(
        "NOVATUNE_S3_SESSION_TOKEN", handling: .secret, isReloadable: true, "for temporary credentials")
    public static let credentials = Setting.text(
        "NOVATUNE_S3_CREDENTIALS", handling: .secret, isReloadable: true, isDocument: true,
        #"all three and their end in one, as AWS's tools print and keep them: "#
            + #"{"Version":1,"AccessKeyId":"…","SecretAccessKey":"…","SessionToken":"…","Expiration":"…"}"#
            + ", or a profile of ~/.aws/credentials; no URL is signed that would outlive Expiration")
    public static let credentialsCommand = Setting.text(
        "NOVATUNE_S3_CREDENTIALS_COMMAND", handling: .hidden, isReloadable: true,
        "a command that prints them as that JSON, as credential_process of ~/.aws/config does: /path/to/program argument …, "
            + #"quoted as for a shell, or ["/path","argument"]; no shell; at most 60s, and again ahead of Expiration"#)
    public static let credentialsOrigin = Setting.choice(
        "NOVATUNE_S3_CREDENTIALS_SOURCE", of: CredentialsOrigin.allCases, default: .settings, isReloadable: true,
        "settings: one of those above; container: the endpoint in AWS_CONTAINER_CREDENTIALS_FULL_URI or …_RELATIVE_URI (ECS, "
            + "EKS); instance: the instance's metadata service (EC2); web-identity: STS, for AWS_ROLE_ARN and the token in "
            + "AWS_WEB_IDENTITY_TOKEN_FILE")
    public static let presignExpiry = Setting<Duration>.duration(
        "NOVATUNE_PRESIGN_EXPIRY", Presigner.expiryRange, default: .seconds(120),
        "how long a URL lives, in whole seconds")
    public static let presignWindow = Setting<Duration>.duration(
        "NOVATUNE_PRESIGN_WINDOW", .zero ... .seconds(7 * 86_400), default: .zero,
        "all hosts sign the same URL for a track within this time, in whole seconds, so that browsers and CDNs can cache the "
            + "audio; at most NOVATUNE_PRESIGN_EXPIRY less NOVATUNE_CACHE_TTL_BUFFER; 0s: each URL is signed at its own second"
    )
    public static let presignUser = Setting.choice(
        "NOVATUNE_PRESIGN_USER", of: S3Settings.Users.allCases, default: .none,
        "signed: each URL says whom it was issued to, by the signed parameter x-nt-u, so that 'novatune-streamd authorize' can have "
            + "the store refuse a user's URLs; none: a URL works for each user until it ends")
    public static let timeout = Setting.duration(
        "NOVATUNE_S3_TIMEOUT", .milliseconds(10) ... .seconds(60), default: .seconds(5),
        "HEAD of the object before its first URL; tried twice")
    public static let verification = Setting.choice(
        "NOVATUNE_S3_VERIFY", of: S3Settings.Verification.allCases, default: .object,
        "object: HEAD first; none: issue without looking for the object")

    public static let group = SettingGroup(
        "Object store",
        [
            endpoint.declaration, publicEndpoint.declaration, region.declaration, bucket.declaration,
            addressing.declaration, pathHandling.declaration,
            certificateAuthorities.declaration, clientCertificate.declaration, clientKey.declaration,
            accessKeyID.declaration, secretAccessKey.declaration, sessionToken.declaration, credentials.declaration,
            credentialsCommand.declaration, credentialsOrigin.declaration,
            presignExpiry.declaration, presignWindow.declaration, presignUser.declaration, timeout.declaration,
            verification.declaration,
        ])

    private static func address(
        _ name: String, _ presence: SettingDeclaration.Presence, shownDefault: String, _ meaning: String
    ) -> Setting<Endpoint> {
        Setting(name, presence, shownDefault: shownDefault, meaning) { (text) throws(InvalidValue) in
            guard let endpoint = Endpoint(withPath: text) else {
                throw InvalidValue("not http://host[:port] or https://host[:port], with or without a plain /path")
            }
            return endpoint
        }
    }
}
