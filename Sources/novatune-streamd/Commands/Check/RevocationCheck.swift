import Resilience
import S3ObjectStore
import StreamIssuing

/// Tries whether the store refuses what is revoked, with the credentials that sign: they need no more rights for it. The
/// bucket's policy they may not read, and MinIO's would not show what binds the signer.
struct RevocationCheck {
    private static let subject = "revocations"

    let store: S3ObjectStore

    /// - Parameter named: the key of an object that the operator has tagged; nil for those of deleted tracks.
    static func finding(
        _ resources: Resources, named: String?, database: DependencyProbe.Outcome, store: DependencyProbe.Outcome
    ) -> CheckFinding {
        let check = RevocationCheck(
            store: resources.makeObjectStore(resources.secrets.value, breaker: SharedBreaker(CircuitBreaker.Policy())))
        guard store.failure == nil else { return check.skipped("the object store does not answer as it should") }
        if let named { return check.finding([SecretText(named)], isNamed: true) }
        guard database.failure == nil else { return check.skipped("the database does not answer") }
        do {
            guard let objects = try resources.deletedObjects() else {
                return check.skipped("the database records none (settings.record_revocations)")
            }
            return check.finding(objects, isNamed: false)
        } catch {
            return check.skipped(error.reason)
        }
    }

    func skipped(_ reason: String) -> CheckFinding { CheckFinding(Self.subject, .skipped, reason) }

    /// - Parameters:
    ///   - objects: that are to be refused, all of them.
    ///   - isNamed: whether the operator named the object.
    func finding(_ objects: [SecretText], isNamed: Bool) -> CheckFinding {
        var isRefused = false
        for object in objects {
            do {
                try store.read(objectKey: object)
                return CheckFinding(
                    Self.subject, .failed,
                    """
                    \(isNamed ? "the object" : "the object of a deleted track") can be read: no policy binds these \
                    credentials (novatune-streamd revoke policy; MinIO's root user is bound by none), or novatune-streamd \
                    revoke does not run
                    """)
            } catch {
                switch error.code {
                case "access_denied": isRefused = true
                // Removed for good: no URL leads to it.
                case "missing_object": continue
                default: return CheckFinding(Self.subject, .failed, error.reason)
                }
            }
        }
        if isRefused {
            return CheckFinding(
                Self.subject, .ok, "\(isNamed ? "the object" : "the object of a deleted track") is refused")
        }
        return skipped(
            isNamed
                ? "there is no such object" : "no deleted track has an object; --revoked KEY names one that is tagged")
    }
}
