public import Cryptography
import Resilience

/// "Random" bytes that are known: `start`, `start + 1`, and so on through all calls.
public final class CountingRandom: RandomSource {
    private let next: Locked<UInt8>

    public init(startingAt start: UInt8 = 0) { next = Locked(start) }

    public func fill(_ bytes: inout [UInt8]) {
        for index in bytes.indices {
            bytes[index] = next.withLock { next in
                defer { next &+= 1 }
                return next
            }
        }
    }
}
