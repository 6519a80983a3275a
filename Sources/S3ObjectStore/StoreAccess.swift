import Cryptography
import Resilience
import StreamIssuing

/// What all loops and the probe know of the access to the bucket. Its lock is held for one access to a value.
public final class StoreAccess: Sendable {
    private let history = Locked(AccessHistory())

    public init() {}

    /// The new credentials may not read what the former ones could.
    public func credentialsWereReplaced() { history.withLock { $0 = AccessHistory() } }

    func probed(_ fault: String?) { history.withLock { $0.probed(fault) } }

    func objectWasReadable() { history.withLock { $0.objectWasReadable() } }

    /// - Parameter status: 400 or 403.
    func refusal(_ status: Int, of object: Digest256) -> Unavailable {
        let cause = history.withLock { $0.objectWasRefused(object) }
        return S3Answer.refusedObject(status, cause)
    }
}
