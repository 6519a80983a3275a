import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import StreamIssuing

/// Tries whether the store asks novatune-streamd authorize: a URL that names a user is given, one that names none and a
/// request that is not signed are refused.
struct AuthorizationCheck {
    private static let subject = "authorisation"

    let store: S3ObjectStore

    /// Nil where URLs name no users.
    static func finding(
        _ resources: Resources, database: DependencyProbe.Outcome, store: DependencyProbe.Outcome
    ) -> CheckFinding? {
        guard resources.marksUsers else { return nil }
        let check = AuthorizationCheck(
            store: resources.makeObjectStore(resources.secrets.value, breaker: SharedBreaker(CircuitBreaker.Policy())))
        guard store.failure == nil else { return check.skipped("the object store does not answer as it should") }
        guard database.failure == nil else { return check.skipped("the database does not answer") }
        do {
            guard let object = try resources.newestObjects().first else {
                return check.skipped("there is no track to try it with")
            }
            return try check.finding(object.key, object.mimeType)
        } catch {
            return check.skipped(error.reason)
        }
    }

    private func skipped(_ reason: String) -> CheckFinding { CheckFinding(Self.subject, .skipped, reason) }

    private func finding(_ key: SecretText, _ contentType: String) throws(Unavailable) -> CheckFinding {
        var given: [RequestMark] = []
        for mark in RequestMark.allCases where try store.gives(objectKey: key, contentType: contentType, to: mark) {
            given.append(mark)
        }
        return Self.finding(given)
    }

    /// - Parameter given: the requests that were answered with the object.
    static func finding(_ given: [RequestMark]) -> CheckFinding {
        if given.contains(.none) {
            return CheckFinding(
                subject, .failed,
                """
                the store gives an object to a URL that does not name its user: it does not ask novatune-streamd authorize \
                (Ceph: rgw_use_opa_authz; MinIO: MINIO_POLICY_PLUGIN_URL)
                """)
        }
        if given.contains(.anonymous) {
            return CheckFinding(
                subject, .failed,
                "the store gives an object without a signature: the bucket is open to anonymous requests")
        }
        guard given.contains(.user) else {
            return CheckFinding(
                subject, .failed,
                """
                the store refuses a URL that names its user: its log and that of novatune-streamd authorize say why \
                (NOVATUNE_AUTHORIZE_SIGNER, the key ring, the database)
                """)
        }
        return CheckFinding(subject, .ok, "a URL that names its user is given, others are refused")
    }
}
