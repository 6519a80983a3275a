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

/// Every setting, as the libraries declare them.
enum AllSettings {
    static let groups = [
        ResponderSetting.group, DatabaseSetting.group, CacheSetting.group, KeySetting.group, S3Setting.group,
        TokenSetting.group,
        BreakerSetting.group, LogSetting.group, TraceSetting.group, RevocationSetting.group,
        AuthorizationSetting.group,
    ]

    static let declarations = groups.flatMap(\.declarations)

    /// Settings of earlier versions, with what replaced them.
    static let removed = [
        "NOVATUNE_WORKERS":
            "there are no request threads any more; remove it (NOVATUNE_LOOPS is for more than four cores)"
    ]

    /// nginx's settings share the prefix; they are not for this program.
    static let foreignPrefixes = ["NOVATUNE_NGINX_", "NOVATUNE_RATE_LIMIT_PER_MINUTE"]
}
