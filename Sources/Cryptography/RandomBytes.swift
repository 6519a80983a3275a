import COpenSSL

/// A source of unpredictable bytes. It is a parameter wherever a result depends on it.
public protocol RandomSource: Sendable {
    func fill(_ bytes: inout [UInt8])
}

/// OpenSSL's random generator (NIST SP 800-90A), seeded by the kernel.
public struct SecureRandom: RandomSource {
    public init() {}

    public func fill(_ bytes: inout [UInt8]) {
        let done = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            unsafe RAND_bytes(buffer.baseAddress, Int32(buffer.count))
        }
        // A predictable nonce would reveal the key.
        precondition(done == 1, "no randomness to be had")
    }
}
