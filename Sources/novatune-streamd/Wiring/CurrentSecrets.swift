import BearerTokens
import Cryptography
import Resilience
import SigV4
import Synchronization

/// Keys and credentials from one reading of the settings.
struct SecretsGeneration: Sendable {
    /// Counts the replacements.
    let number: Int
    let secrets: Secrets
    /// A token that was verified with earlier keys is verified again.
    let tokenCache = TokenCache()
}

/// The current keys and credentials. They may be replaced while requests are answered: a worker checks before each request whether its
/// own are still the current ones.
final class CurrentSecrets: Sendable {
    private let generation: Locked<SecretsGeneration>
    private let number = Atomic<Int>(0)

    init(_ secrets: Secrets) {
        generation = Locked(SecretsGeneration(number: 0, secrets: secrets))
    }

    var value: SecretsGeneration { generation.withLock { $0 } }

    func isCurrent(_ number: Int) -> Bool { self.number.load(ordering: .acquiring) == number }

    func replace(_ secrets: Secrets) {
        generation.withLock { generation in
            generation = SecretsGeneration(number: generation.number + 1, secrets: secrets)
            number.store(generation.number, ordering: .releasing)
        }
    }
}
