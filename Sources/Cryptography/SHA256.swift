import COpenSSL

/// SHA-256 (FIPS 180-4). One context, reused: not thread-safe.
@safe public final class SHA256 {
    private let context: OpaquePointer

    public init() {
        // Nil only where malloc fails, which would end the process anyway.
        unsafe context = EVP_MD_CTX_new()!
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    public func hash(_ message: Span<UInt8>) -> Digest256 {
        unsafe Digest256 { output in
            unsafe message.withUnsafeBufferPointer { input in
                let done =
                    unsafe EVP_DigestInit_ex2(context, Algorithms.sha256, nil) == 1
                    && EVP_DigestUpdate(context, input.baseAddress, input.count) == 1
                    && EVP_DigestFinal_ex(context, output, nil) == 1
                // A digest of zeros would make all tokens equal.
                precondition(done, "OpenSSL's SHA-256 failed")
            }
        }
    }

    public func hash(_ text: String) -> Digest256 { hash(text.utf8.span) }
}

/// Algorithms fetched once; OpenSSL 3 otherwise looks them up by name at each use.
enum Algorithms {
    nonisolated(unsafe) static let sha256: OpaquePointer = unsafe fetched(EVP_MD_fetch(nil, "SHA2-256", nil), "SHA-256")
    nonisolated(unsafe) static let aes256GCM: OpaquePointer = unsafe fetched(
        EVP_CIPHER_fetch(nil, "AES-256-GCM", nil), "AES-256-GCM")
    nonisolated(unsafe) static let hmac: OpaquePointer = unsafe fetched(EVP_MAC_fetch(nil, "HMAC", nil), "HMAC")

    private static func fetched(_ algorithm: OpaquePointer?, _ name: String) -> OpaquePointer {
        guard let algorithm = unsafe algorithm else {
            preconditionFailure("OpenSSL offers no \(name); is its default provider loaded?")
        }
        return unsafe algorithm
    }
}
