import BearerTokens
import Resilience
import SealedCache
import Synchronization

/// The keys that are used now. They may be replaced while requests are answered: a worker asks before each request whether its own
/// are still the current ones.
final class CurrentKeys: Sendable {
    struct Keys: Sendable {
        /// Counts the replacements.
        fileprivate(set) var edition: Int
        let keySet: KeySet
        let keyRing: KeyRing
        /// A token that was verified with keys of before is verified again.
        let verifiedTokens = VerifiedTokens()
    }

    private let keys: Locked<Keys>
    private let edition = Atomic<Int>(0)

    init(_ keySet: KeySet, _ keyRing: KeyRing) {
        keys = Locked(Keys(edition: 0, keySet: keySet, keyRing: keyRing))
    }

    var value: Keys { keys.withLock { $0 } }

    func isCurrent(_ edition: Int) -> Bool { self.edition.load(ordering: .acquiring) == edition }

    func replace(_ keySet: KeySet, _ keyRing: KeyRing) {
        keys.withLock { keys in
            keys = Keys(edition: keys.edition + 1, keySet: keySet, keyRing: keyRing)
            edition.store(keys.edition, ordering: .releasing)
        }
    }
}
