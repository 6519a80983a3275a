/// Every setting, with its help text.
enum SettingName: String, CaseIterable {
    case listen = "NOVATUNE_LISTEN"
    case gateListen = "NOVATUNE_GATE_LISTEN"
    case loops = "NOVATUNE_LOOPS"
    case databaseURL = "NOVATUNE_DATABASE_URL"
    case databaseTimeout = "NOVATUNE_DATABASE_TIMEOUT"
    case cacheURL = "NOVATUNE_CACHE_URL"
    case cachePrefix = "NOVATUNE_CACHE_PREFIX"
    case cacheTimeout = "NOVATUNE_CACHE_TIMEOUT"
    case cacheKeys = "NOVATUNE_CACHE_KEYS"
    case cacheKeysDirectory = "NOVATUNE_CACHE_KEYS_DIRECTORY"
    case cacheKeysCommand = "NOVATUNE_CACHE_KEYS_COMMAND"
    case cacheKeysTimeout = "NOVATUNE_CACHE_KEYS_TIMEOUT"
    case kmsKeyID = "NOVATUNE_KMS_KEY_ID"
    case kmsRegion = "NOVATUNE_KMS_REGION"
    case kmsEndpoint = "NOVATUNE_KMS_ENDPOINT"
    case kmsCABundle = "NOVATUNE_KMS_CA_BUNDLE"
    case kmsAccessKeyID = "NOVATUNE_KMS_ACCESS_KEY_ID"
    case kmsSecretAccessKey = "NOVATUNE_KMS_SECRET_ACCESS_KEY"
    case kmsSessionToken = "NOVATUNE_KMS_SESSION_TOKEN"
    case presignExpiry = "NOVATUNE_PRESIGN_EXPIRY"
    case cacheTTLBuffer = "NOVATUNE_CACHE_TTL_BUFFER"
    case s3Endpoint = "NOVATUNE_S3_ENDPOINT"
    case s3PublicEndpoint = "NOVATUNE_S3_PUBLIC_ENDPOINT"
    case s3Region = "NOVATUNE_S3_REGION"
    case s3Bucket = "NOVATUNE_S3_BUCKET"
    case s3Addressing = "NOVATUNE_S3_ADDRESSING"
    case s3AccessKeyID = "NOVATUNE_S3_ACCESS_KEY_ID"
    case s3SecretAccessKey = "NOVATUNE_S3_SECRET_ACCESS_KEY"
    case s3SessionToken = "NOVATUNE_S3_SESSION_TOKEN"
    case s3Credentials = "NOVATUNE_S3_CREDENTIALS"
    case s3Timeout = "NOVATUNE_S3_TIMEOUT"
    case s3Verify = "NOVATUNE_S3_VERIFY"
    case jwtKeys = "NOVATUNE_JWT_KEYS"
    case jwtSecret = "NOVATUNE_JWT_HS256_SECRET"
    case jwtIssuer = "NOVATUNE_JWT_ISSUER"
    case jwtAudience = "NOVATUNE_JWT_AUDIENCE"
    case jwtLeeway = "NOVATUNE_JWT_LEEWAY"
    case requestTimeout = "NOVATUNE_REQUEST_TIMEOUT"
    case queueTimeout = "NOVATUNE_QUEUE_TIMEOUT"
    case breakerFailures = "NOVATUNE_BREAKER_FAILURES"
    case breakerOpen = "NOVATUNE_BREAKER_OPEN"
    case logLevel = "NOVATUNE_LOG_LEVEL"
    case otlpEndpoint = "NOVATUNE_OTLP_ENDPOINT"
    case otlpSampleRatio = "NOVATUNE_OTLP_SAMPLE_RATIO"

    /// Settings of earlier versions, with what replaced them.
    static let removed = [
        "NOVATUNE_WORKERS": "there are no request threads any more; remove it (NOVATUNE_LOOPS is for more than four cores)"
    ]

    /// nginx's settings share the prefix; they are not for this program.
    static let foreignPrefixes = ["NOVATUNE_NGINX_", "NOVATUNE_RATE_LIMIT_PER_MINUTE"]

    /// Whether `NAME_FILE` may name a file that holds the value.
    var mayComeFromFile: Bool {
        switch self {
        case .databaseURL, .cacheURL, .cacheKeys, .kmsAccessKeyID, .kmsSecretAccessKey, .kmsSessionToken, .s3AccessKeyID,
            .s3SecretAccessKey, .s3SessionToken, .s3Credentials, .jwtKeys, .jwtSecret:
            true
        default: false
        }
    }

    var fileName: String { rawValue + "_FILE" }

    /// Whether its value is never shown: every setting that may come from a file, and a command's arguments.
    var isSecret: Bool { mayComeFromFile || self == .cacheKeysCommand }

    /// Whether its consumer reads its file, so that no copy of the value is kept elsewhere.
    var isReadElsewhere: Bool { self == .cacheKeys }

    /// Whether a complaint is about this setting.
    func isSubject(of complaint: String) -> Bool {
        [rawValue, fileName].contains { name in
            complaint.hasPrefix(name) && !(complaint.dropFirst(name.count).first.map { $0.isLetter || $0 == "_" } ?? false)
        }
    }

    /// `default — meaning`.
    var help: String {
        switch self {
        case .listen: "inherited socket (descriptor 0 or 3), else unix:/run/novatune/stream.sock — FastCGI socket for requests"
        case .gateListen: "inherited socket, else unix:/run/novatune/gate.sock — FastCGI socket for health and metrics"
        case .loops: "1, and 2 from five cores on — event loops, 1 to 16, each a thread with its own database and cache connection"
        case .databaseURL: "required — libpq URI or keywords; several hosts allowed"
        case .databaseTimeout: "2s — connecting and the query; tried twice"
        case .cacheURL: "memory: — or memory:?entries=N&bytes=N, redis://host:port/db, unix:/path"
        case .cachePrefix: "stream — first part of each cache key"
        case .cacheTimeout: "500ms — a cache read or write; never tried twice"
        case .cacheKeys:
            #"this or one of the next two — key ring {"current":"v1","keys":{"v1":"<base64 of 32 bytes>"}}, or with "wrappedKeys""#
        case .cacheKeysDirectory: "none — key ring as a directory: a file for each version, and one named current that names one"
        case .cacheKeysCommand:
            #"none — a command that prints the key ring: /path/to/program argument …, or ["/path","argument"]; no shell"#
        case .cacheKeysTimeout: "10s — for that command, and for AWS KMS, 100ms to 12s"
        case .kmsKeyID: "none — the AWS KMS key that wraps the keys of a ring with wrappedKeys: id, ARN or alias"
        case .kmsRegion: "NOVATUNE_S3_REGION"
        case .kmsEndpoint: "https://kms.<region>.amazonaws.com — https, or http on this machine"
        case .kmsCABundle: "the machine's authorities — a PEM file to verify the KMS endpoint against"
        case .kmsAccessKeyID: "the object store's — credentials for kms:Decrypt"
        case .kmsSecretAccessKey: "the object store's"
        case .kmsSessionToken: "none — for temporary credentials"
        case .presignExpiry: "120s — how long a URL lives, 1s to 7 days"
        case .cacheTTLBuffer: "30s — a URL leaves the cache this long before it expires"
        case .s3Endpoint: "required — where this service reaches the store: https://host[:port]"
        case .s3PublicEndpoint: "the same — where players reach the store"
        case .s3Region: "required — signed into every URL"
        case .s3Bucket: "required"
        case .s3Addressing: "path — path (host/bucket/key) or virtual (bucket.host/key)"
        case .s3AccessKeyID: "required, or NOVATUNE_S3_CREDENTIALS_FILE"
        case .s3SecretAccessKey: "required with it"
        case .s3SessionToken: "none — for temporary credentials"
        case .s3Credentials:
            #"none — all three and their end in one: {"Version":1,"AccessKeyId":"…","SecretAccessKey":"…","SessionToken":"…","Expiration":"…"}"#
        case .s3Timeout: "5s — HEAD of the object before its first URL; tried twice"
        case .s3Verify: "object — object (HEAD first) or none"
        case .jwtKeys: "this or the next — JWK Set; each key has kid and alg (RS256, ES256, EdDSA, HS256)"
        case .jwtSecret: "this or the former — shared secret of at least 32 bytes"
        case .jwtIssuer: "required — claim iss"
        case .jwtAudience: "required — one of claim aud"
        case .jwtLeeway: "0s — how far clocks may differ, at most 5m"
        case .requestTimeout: "10s — a request as a whole, 100ms to 14s: nginx waits 15s"
        case .queueTimeout: "2s — a request that waited longer before the event loop took it up is answered 503, 10ms to 10s"
        case .breakerFailures: "5 — failures in a row after which a dependency is left alone, 1 to 1000"
        case .breakerOpen: "30s — how long it is left alone at most before it is tried again; 1 s the first time"
        case .logLevel: "info — trace, debug, info, notice, warning, error, critical"
        case .otlpEndpoint: "off — OpenTelemetry collector (OTLP/HTTP) for traces: http://host[:port] or https://…"
        case .otlpSampleRatio: "0.01 — share of the traces that begin here and are recorded, 0 to 1; a traceparent decides for its own"
        }
    }

    /// The part of `help` before the dash.
    var defaultHelp: String {
        help.firstRange(of: " — ").map { String(help[..<$0.lowerBound]) } ?? help
    }

    static var allHelp: String {
        let lines = allCases.map { name in
            "  \(name.rawValue)\(name.mayComeFromFile ? " (or \(name.fileName))" : "")\n      \(name.help)"
        }
        return "SETTINGS (default — meaning; durations are 120s, 2m, 500ms or 00:02:00):\n" + lines.joined(separator: "\n")
    }
}
