import Cryptography
import Resilience

/// Recently verified tokens, identified by their SHA-256, so that a player's second request costs no signature check.
///
/// Bounded: two generations of at most `capacity` tokens each. When the younger one is full it becomes the older one,
/// and tokens that were not used in the meantime are forgotten. Expiry is checked at every use.
public final class TokenCache: Sendable {
    public static let defaultCapacity = 16_384

    private struct Generations {
        var young: [Digest256: Claims] = [:]
        var old: [Digest256: Claims] = [:]
    }

    private let capacity: Int
    private let generations = Locked(Generations())

    public init(capacity: Int = TokenCache.defaultCapacity) {
        self.capacity = max(1, capacity)
    }

    /// Never more than twice the capacity.
    public var count: Int { generations.withLock { $0.young.count + $0.old.count } }

    func claims(of token: Digest256) -> Claims? {
        generations.withLock { generations in
            if let claims = generations.young[token] { return claims }
            guard let claims = generations.old.removeValue(forKey: token) else { return nil }
            store(claims, token, &generations)
            return claims
        }
    }

    func remember(_ claims: Claims, of token: Digest256) {
        generations.withLock { store(claims, token, &$0) }
    }

    func forget(_ token: Digest256) {
        generations.withLock { generations in
            generations.young[token] = nil
            generations.old[token] = nil
        }
    }

    private func store(_ claims: Claims, _ token: Digest256, _ generations: inout Generations) {
        if generations.young.count >= capacity {
            generations.old = generations.young
            generations.young = [:]
        }
        generations.young[token] = claims
    }
}
