import COpenSSL

/// A public key that verifies signatures of exactly one algorithm, so that a token cannot choose how it is verified.
///
/// Each verification creates a context of its own, and OpenSSL only reads the key: threads may share it.
@safe public final class PublicKey: @unchecked Sendable {
    private enum Scheme { case rsaPKCS1SHA256, ecdsaP256SHA256, ed25519 }

    private let scheme: Scheme
    private let key: OpaquePointer

    private init(_ scheme: Scheme, _ key: OpaquePointer) {
        self.scheme = scheme
        unsafe self.key = unsafe key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2; `RS256` of RFC 7518 §3.3).
    /// - Parameters:
    ///   - modulus: big-endian, 2048 to 8192 bits.
    ///   - exponent: big-endian, odd, at least 3, at most 8 bytes.
    public static func rsa(modulus: [UInt8], exponent: [UInt8]) throws(CryptographyError) -> PublicKey {
        let modulus = Array(modulus.drop { $0 == 0 })
        let exponent = Array(exponent.drop { $0 == 0 })
        guard (256...1024).contains(modulus.count), modulus[0] >= 0x80 || modulus.count > 256 else {
            throw CryptographyError(invalidInput: "an RSA modulus has 2048 to 8192 bits")
        }
        guard let last = exponent.last, last & 1 == 1, exponent != [1], exponent.count <= 8 else {
            throw CryptographyError(invalidInput: "an RSA exponent is odd, at least 3 and at most 8 bytes")
        }
        guard let n = unsafe BN_bin2bn(modulus, Int32(modulus.count), nil), let e = unsafe BN_bin2bn(exponent, Int32(exponent.count), nil)
        else { throw CryptographyError("BN_bin2bn") }
        defer {
            unsafe BN_free(n)
            unsafe BN_free(e)
        }
        let key = try unsafe makeKey("RSA") { builder in unsafe novatune_push_rsa(builder, n, e) == 1 }
        return unsafe PublicKey(.rsaPKCS1SHA256, key)
    }

    /// ECDSA on P-256 with SHA-256 (FIPS 186-5; `ES256` of RFC 7518 §3.4).
    /// - Parameters: the point's coordinates, 32 bytes each, big-endian.
    public static func p256(x: [UInt8], y: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard x.count == 32, y.count == 32 else { throw CryptographyError(invalidInput: "a P-256 coordinate has 32 bytes") }
        let point = [4] + x + y
        let key = try unsafe point.withUnsafeBufferPointer { (point) throws(CryptographyError) in
            try unsafe makeKey("EC") { builder in unsafe novatune_push_p256(builder, point.baseAddress, point.count) == 1 }
        }
        let publicKey = unsafe PublicKey(.ecdsaP256SHA256, key)
        guard publicKey.passesFullCheck() else { throw CryptographyError(invalidInput: "the point is not on P-256") }
        return publicKey
    }

    /// Ed25519 (RFC 8032 §5.1; `EdDSA` of RFC 8037).
    /// - Parameter x: 32 bytes.
    public static func ed25519(x: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard x.count == 32, let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, x, x.count) else {
            throw CryptographyError(invalidInput: "an Ed25519 key has 32 bytes")
        }
        return unsafe PublicKey(.ed25519, key)
    }

    /// - Parameter signature: in JOSE's form: for ECDSA `r ‖ s`, 64 bytes, not DER.
    public func isValid(signature: [UInt8], for message: Span<UInt8>) -> Bool {
        defer { ERR_clear_error() }
        guard let encoded = scheme == .ecdsaP256SHA256 ? Self.distinguishedEncoding(ofECDSA: signature) : signature,
            let context = unsafe EVP_MD_CTX_new()
        else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        let digest = scheme == .ed25519 ? nil : "SHA2-256"
        guard unsafe EVP_DigestVerifyInit_ex(context, nil, digest, nil, nil, key, nil) == 1 else { return false }
        return unsafe message.withUnsafeBufferPointer { message in
            unsafe EVP_DigestVerify(context, encoded, encoded.count, message.baseAddress, message.count) == 1
        }
    }

    /// `ECDSA-Sig-Value` of RFC 3279 §2.2.3 from `r ‖ s`; nil unless it has 64 bytes.
    private static func distinguishedEncoding(ofECDSA signature: [UInt8]) -> [UInt8]? {
        guard signature.count == 64 else { return nil }
        func integer(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
            var magnitude = Array(bytes.drop { $0 == 0 })
            // DER integers are signed: a leading zero keeps a set top bit positive, and zero itself is one byte.
            if magnitude.first.map({ $0 >= 0x80 }) ?? true { magnitude.insert(0, at: 0) }
            return [0x02, UInt8(magnitude.count)] + magnitude
        }
        let body = integer(signature[..<32]) + integer(signature[32...])
        return [0x30, UInt8(body.count)] + body
    }

    private func passesFullCheck() -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_public_check(context) == 1
    }

    private static func makeKey(
        _ type: String, _ fill: (OpaquePointer) -> Bool
    ) throws(CryptographyError) -> OpaquePointer {
        guard let builder = unsafe OSSL_PARAM_BLD_new() else { throw CryptographyError("OSSL_PARAM_BLD_new") }
        defer { unsafe OSSL_PARAM_BLD_free(builder) }
        guard unsafe fill(builder), let parameters = unsafe OSSL_PARAM_BLD_to_param(builder) else {
            throw CryptographyError("OSSL_PARAM_BLD_to_param")
        }
        defer { unsafe OSSL_PARAM_free(parameters) }
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else { throw CryptographyError("EVP_PKEY_CTX_new_from_name") }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, novatune_EVP_PKEY_PUBLIC_KEY, parameters) == 1, let key = unsafe key
        else { throw CryptographyError(invalidInput: "\(type) key refused") }
        return unsafe key
    }
}
