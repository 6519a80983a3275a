import COpenSSL

/// HMAC-SHA-256 (RFC 2104, FIPS 198-1) under one key. One context, reused: not thread-safe.
@safe public final class HMACSHA256 {
    private let context: OpaquePointer

    public init(key: Span<UInt8>) throws(CryptographyError) {
        guard let context = unsafe EVP_MAC_CTX_new(Algorithms.hmac) else { throw CryptographyError("EVP_MAC_CTX_new") }
        unsafe self.context = unsafe context
        let initialised = unsafe key.withUnsafeBufferPointer { key in
            let parameters = unsafe [novatune_mac_digest(), OSSL_PARAM_construct_end()]
            // An empty key is legal; a null pointer would mean "keep the former key".
            let empty: [UInt8] = [0]
            return unsafe empty.withUnsafeBufferPointer { empty in
                unsafe EVP_MAC_init(context, key.baseAddress ?? empty.baseAddress, key.count, parameters)
            }
        }
        guard initialised == 1 else { throw CryptographyError("EVP_MAC_init") }
    }

    deinit { unsafe EVP_MAC_CTX_free(context) }

    public func authenticationCode(for message: Span<UInt8>) -> Digest256 {
        unsafe Digest256 { output in
            unsafe message.withUnsafeBufferPointer { input in
                var length = 0
                let done =
                    unsafe EVP_MAC_init(context, nil, 0, nil) == 1
                    && EVP_MAC_update(context, input.baseAddress, input.count) == 1
                    && EVP_MAC_final(context, output, &length, 32) == 1
                precondition(done && length == 32, "OpenSSL's HMAC-SHA-256 failed")
            }
        }
    }
}
