import COpenSSL

/// A public key that verifies signatures of exactly one algorithm, so that a token cannot choose how it is verified.
///
/// Each verification creates a context of its own, and OpenSSL only reads the key: threads may share it.
@safe public final class PublicKey: @unchecked Sendable {
    /// A signature scheme of RFC 8017 with the hash that it is used with.
    public enum RSAScheme: Sendable {
        /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2; `RS256`, `RS384`, `RS512` of RFC 7518 §3.3).
        case pkcs1SHA256, pkcs1SHA384, pkcs1SHA512
        /// RSASSA-PSS with a salt of 32 bytes (RFC 8017 §8.1; `PS256` of RFC 7518 §3.5).
        case pssSHA256
    }

    private enum Scheme {
        case rsa(RSAScheme)
        /// `coordinateLength` in bytes.
        case ecdsa(hash: String, coordinateLength: Int)
        case ed25519

        /// OpenSSL's name; nil where the scheme hashes by itself.
        var hash: String? {
            switch self {
            case .rsa(.pkcs1SHA256), .rsa(.pssSHA256): "SHA2-256"
            case .rsa(.pkcs1SHA384): "SHA2-384"
            case .rsa(.pkcs1SHA512): "SHA2-512"
            case .ecdsa(let hash, _): hash
            case .ed25519: nil
            }
        }
    }

    private let scheme: Scheme
    private let key: OpaquePointer

    private init(_ scheme: Scheme, _ key: OpaquePointer) {
        self.scheme = scheme
        unsafe self.key = unsafe key
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// - Parameters:
    ///   - modulus: big-endian, 2048 to 8192 bits.
    ///   - exponent: big-endian, odd, at least 3, at most 8 bytes.
    /// - Throws: also where the modulus has the pattern of CVE-2017-15361 (`WeakModulus`).
    public static func rsa(
        _ rsaScheme: RSAScheme, modulus: [UInt8], exponent: [UInt8]
    ) throws(CryptographyError) -> PublicKey {
        let modulus = Array(modulus.drop { $0 == 0 })
        let exponent = Array(exponent.drop { $0 == 0 })
        guard (256...1024).contains(modulus.count), modulus[0] >= 0x80 || modulus.count > 256 else {
            throw CryptographyError(invalidInput: "an RSA modulus has 2048 to 8192 bits")
        }
        guard let last = exponent.last, last & 1 == 1, exponent != [1], exponent.count <= 8 else {
            throw CryptographyError(invalidInput: "an RSA exponent is odd, at least 3 and at most 8 bytes")
        }
        guard !WeakModulus.matches(modulus) else {
            throw CryptographyError(invalidInput: "the RSA key was made by a faulty generator (CVE-2017-15361, ROCA)")
        }
        guard let n = unsafe BN_bin2bn(modulus, Int32(modulus.count), nil),
            let e = unsafe BN_bin2bn(exponent, Int32(exponent.count), nil)
        else { throw CryptographyError("BN_bin2bn") }
        defer {
            unsafe BN_free(n)
            unsafe BN_free(e)
        }
        let key = try unsafe makeKey("RSA") { builder in unsafe novatune_push_rsa(builder, n, e) == 1 }
        return unsafe PublicKey(.rsa(rsaScheme), key)
    }

    /// ECDSA on P-256 with SHA-256 (FIPS 186-5; `ES256` of RFC 7518 §3.4).
    /// - Parameters: the point's coordinates, 32 bytes each, big-endian.
    public static func p256(x: [UInt8], y: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard x.count == 32, y.count == 32 else {
            throw CryptographyError(invalidInput: "a P-256 coordinate has 32 bytes")
        }
        let key = try unsafe makeKey(onCurveAt: [4] + x + y) { unsafe novatune_push_p256($0, $1, $2) == 1 }
        return try unsafe checked(PublicKey(.ecdsa(hash: "SHA2-256", coordinateLength: 32), key), curve: "P-256")
    }

    /// ECDSA on P-384 with SHA-384 (FIPS 186-5; `ES384` of RFC 7518 §3.4).
    /// - Parameters: the point's coordinates, 48 bytes each, big-endian.
    public static func p384(x: [UInt8], y: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard x.count == 48, y.count == 48 else {
            throw CryptographyError(invalidInput: "a P-384 coordinate has 48 bytes")
        }
        let key = try unsafe makeKey(onCurveAt: [4] + x + y) { unsafe novatune_push_p384($0, $1, $2) == 1 }
        return try unsafe checked(PublicKey(.ecdsa(hash: "SHA2-384", coordinateLength: 48), key), curve: "P-384")
    }

    private static func checked(_ key: PublicKey, curve: String) throws(CryptographyError) -> PublicKey {
        guard key.passesFullCheck() else { throw CryptographyError(invalidInput: "the point is not on \(curve)") }
        return key
    }

    /// Ed25519 (RFC 8032 §5.1; `EdDSA` of RFC 8037).
    /// - Parameter x: 32 bytes.
    public static func ed25519(x: [UInt8]) throws(CryptographyError) -> PublicKey {
        guard x.count == 32, let key = unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, x, x.count) else {
            throw CryptographyError(invalidInput: "an Ed25519 key has 32 bytes")
        }
        return unsafe PublicKey(.ed25519, key)
    }

    /// - Parameter signature: in JOSE's form: for ECDSA `r ‖ s`, 64 or 96 bytes, not DER.
    public func isValid(signature: [UInt8], for message: Span<UInt8>) -> Bool {
        defer { ERR_clear_error() }
        guard let encoded = encoded(signature), let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe prepare(context) else { return false }
        return unsafe message.withUnsafeBufferPointer { message in
            unsafe EVP_DigestVerify(context, encoded, encoded.count, message.baseAddress, message.count) == 1
        }
    }

    /// As OpenSSL reads it; nil where its length is wrong.
    private func encoded(_ signature: [UInt8]) -> [UInt8]? {
        guard case .ecdsa(_, let length) = scheme else { return signature }
        return ECDSASignature.distinguishedEncoding(signature, coordinateLength: length)
    }

    private func prepare(_ context: OpaquePointer) -> Bool {
        var keyContext: OpaquePointer?
        guard unsafe EVP_DigestVerifyInit_ex(context, &keyContext, scheme.hash, nil, nil, key, nil) == 1 else {
            return false
        }
        guard case .rsa(.pssSHA256) = scheme else { return true }
        return unsafe EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST) == 1
    }

    private func passesFullCheck() -> Bool {
        guard let context = unsafe EVP_PKEY_CTX_new_from_pkey(nil, key, nil) else { return false }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        return unsafe EVP_PKEY_public_check(context) == 1
    }

    private static func makeKey(
        onCurveAt point: [UInt8], _ fill: (OpaquePointer, UnsafePointer<UInt8>?, Int) -> Bool
    ) throws(CryptographyError) -> OpaquePointer {
        try unsafe point.withUnsafeBufferPointer { (point) throws(CryptographyError) in
            try unsafe makeKey("EC") { builder in unsafe fill(builder, point.baseAddress, point.count) }
        }
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
        guard let context = unsafe EVP_PKEY_CTX_new_from_name(nil, type, nil) else {
            throw CryptographyError("EVP_PKEY_CTX_new_from_name")
        }
        defer { unsafe EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard unsafe EVP_PKEY_fromdata_init(context) == 1,
            unsafe EVP_PKEY_fromdata(context, &key, novatune_EVP_PKEY_PUBLIC_KEY, parameters) == 1, let key = unsafe key
        else { throw CryptographyError(invalidInput: "\(type) key refused") }
        return unsafe key
    }
}
