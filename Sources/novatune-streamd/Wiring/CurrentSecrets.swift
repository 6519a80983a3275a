import BearerTokens
import Cryptography
import ProviderKeys
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

/// The current keys and credentials. They may be replaced while requests are answered: a worker checks before each
/// request whether its own are still the current ones.
final class CurrentSecrets: Sendable {
    private let generation: Locked<SecretsGeneration>
    private let number = Atomic<Int>(0)
    private let keySets: ProviderKeySets

    /// - Parameter keySets: those of providers.
    init(_ secrets: Secrets, keySets: ProviderKeySets) {
        generation = Locked(SecretsGeneration(number: 0, secrets: secrets))
        self.keySets = keySets
    }

    var value: SecretsGeneration { generation.withLock { $0 } }

    func isCurrent(_ number: Int) -> Bool { self.number.load(ordering: .acquiring) == number }

    func replace(_ secrets: Secrets) { update { _ in secrets } }

    /// Takes the key sets as they are now.
    func keySetsChanged() { update { $0 } }

    /// A set that was fetched while the settings were read counts as well: the sets are read here, last.
    private func update(_ change: (Secrets) -> Secrets) {
        generation.withLock { generation in
            let secrets = change(generation.secrets)
            let tokens = secrets.declaredTokens.acceptedWhereUsable(keySets.current)
            generation = SecretsGeneration(number: generation.number + 1, secrets: secrets.with(tokens))
            number.store(generation.number, ordering: .releasing)
        }
    }
}
