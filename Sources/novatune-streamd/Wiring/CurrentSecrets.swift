import BearerTokens
import Cryptography
import Resilience
import SigV4
import Synchronization

/// The current keys and credentials. They may be replaced while requests are answered: a worker checks before each request whether its
/// own are still the current ones.
final class CurrentSecrets: Sendable {
    struct Edition: Sendable {
        /// Counts the replacements.
        let number: Int
        let secrets: Secrets
        /// A token that was verified with earlier keys is verified again.
        let verifiedTokens = VerifiedTokens()
    }

    private let edition: Locked<Edition>
    private let number = Atomic<Int>(0)

    init(_ secrets: Secrets) {
        edition = Locked(Edition(number: 0, secrets: secrets))
    }

    var value: Edition { edition.withLock { $0 } }

    func isCurrent(_ number: Int) -> Bool { self.number.load(ordering: .acquiring) == number }

    func replace(_ secrets: Secrets) {
        edition.withLock { edition in
            edition = Edition(number: edition.number + 1, secrets: secrets)
            number.store(edition.number, ordering: .releasing)
        }
    }
}
