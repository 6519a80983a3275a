import BearerTokens
import KeyManagement
import Observability
import OperatorSettings
import PostgreSQLTrackStore
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import StreamResponder

/// The parts that setup asks about and checks one after the other.
enum SetupPart: String, CaseIterable {
    case database, store = "object store", tokens, cache, nginx, service

    /// The service's settings of this part.
    var declarations: [SettingDeclaration] {
        switch self {
        case .database: DatabaseSetting.group.declarations
        case .store: S3Setting.group.declarations
        case .tokens: TokenSetting.group.declarations
        case .cache: CacheSetting.group.declarations
        case .nginx: []
        case .service:
            ResponderSetting.group.declarations + KeySetting.group.declarations + BreakerSetting.group.declarations
                + LogSetting.group.declarations + TraceSetting.group.declarations
        }
    }

    /// What is asked on a terminal.
    var questions: [SetupQuestion] {
        switch self {
        case .database:
            [
                SetupQuestion(
                    SetupSetting.ownerURL.name,
                    "URL of the database as the role that owns the schema (none where a DBA has deployed it)",
                    isSecret: true, isOptional: true, fallback: SetupQuestion.localDatabase),
                SetupQuestion(
                    "NOVATUNE_DATABASE_URL", "URL of the database as novatune_responder", isSecret: true,
                    unless: SetupSetting.ownerURL.name),
            ]
        case .store:
            [
                SetupQuestion("NOVATUNE_S3_ENDPOINT", "Object store, as this machine reaches it: https://host[:port]"),
                SetupQuestion(
                    "NOVATUNE_S3_PUBLIC_ENDPOINT", "The same as players reach it (empty: the same)", isOptional: true),
                SetupQuestion("NOVATUNE_S3_REGION", "Region", isOptional: true),
                SetupQuestion("NOVATUNE_S3_BUCKET", "Bucket"),
                SetupQuestion("NOVATUNE_S3_ACCESS_KEY_ID", "Access key id", isSecret: true),
                SetupQuestion("NOVATUNE_S3_SECRET_ACCESS_KEY", "Secret access key", isSecret: true),
            ]
        case .tokens:
            [
                SetupQuestion("NOVATUNE_JWT_ISSUER", "Issuer of the tokens (claim iss)"),
                SetupQuestion(
                    "NOVATUNE_JWT_KEYS_URL", "Address of its key set (empty: its discovery document names it)",
                    isOptional: true),
                SetupQuestion("NOVATUNE_JWT_AUDIENCE", "Audience of the tokens (claim aud)"),
            ]
        case .cache:
            [SetupQuestion("NOVATUNE_CACHE_URL", "Cache: memory:, or redis://host:port/0", fallback: "memory:")]
        case .nginx:
            [
                SetupQuestion("NOVATUNE_NGINX_SERVER_NAME", "Host name that players use"),
                SetupQuestion(
                    "NOVATUNE_NGINX_CERTIFICATE",
                    "Its certificate with the chain, a PEM file (empty: certbot's, or none behind a proxy)",
                    isOptional: true),
                SetupQuestion(
                    "NOVATUNE_NGINX_CERTIFICATE_KEY", "The key of the certificate, a PEM file",
                    onlyWith: "NOVATUNE_NGINX_CERTIFICATE"),
            ]
        case .service: []
        }
    }
}
