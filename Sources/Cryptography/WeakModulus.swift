/// Finds RSA moduli of the faulty generator of CVE-2017-15361 ("ROCA"), whose private keys can be computed.
///
/// That generator's primes are powers of 65537 modulo each small prime, and so is their product (Nemec et al., "The
/// Return of Coppersmith's Attack", CCS 2017, §2). A modulus of another generator passes all these tests once in 2^27.
enum WeakModulus {
    /// The odd primes up to 167.
    private static let primes: [UInt32] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107, 109,
        113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ]

    /// For each prime, the powers of 65537 modulo it.
    private static let powers: [(prime: UInt32, powers: Set<UInt32>)] = primes.map { prime in
        var powers: Set<UInt32> = []
        var power: UInt32 = 1
        while powers.insert(power).inserted { power = power * (65_537 % prime) % prime }
        return (prime, powers)
    }

    /// - Parameter modulus: big-endian.
    static func matches(_ modulus: [UInt8]) -> Bool {
        powers.allSatisfy { prime, powers in
            powers.contains(modulus.reduce(0) { ($0 << 8 | UInt32($1)) % prime })
        }
    }
}
