import COpenSSL

/// AES-256-GCM (NIST SP 800-38D) under one key: 12-byte nonce, 16-byte tag. Contexts are reused: not thread-safe.
@safe public final class AES256GCM {
    public static let keyLength = 32
    public static let nonceLength = 12
    public static let tagLength = 16

    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    /// - Throws: where the key is not 32 bytes.
    public init(key: SymmetricKey) throws(CryptographyError) {
        guard key.byteCount == Self.keyLength else {
            throw CryptographyError(invalidInput: "an AES-256 key has 32 bytes")
        }
        guard let sealing = unsafe EVP_CIPHER_CTX_new() else { throw CryptographyError("EVP_CIPHER_CTX_new") }
        guard let opening = unsafe EVP_CIPHER_CTX_new() else {
            unsafe EVP_CIPHER_CTX_free(sealing)
            throw CryptographyError("EVP_CIPHER_CTX_new")
        }
        unsafe (self.sealing, self.opening) = unsafe (sealing, opening)
        let keyed = key.withBytes { key in
            unsafe key.withUnsafeBufferPointer { key in
                unsafe EVP_EncryptInit_ex2(sealing, Algorithms.aes256GCM, key.baseAddress, nil, nil) == 1
                    && EVP_DecryptInit_ex2(opening, Algorithms.aes256GCM, key.baseAddress, nil, nil) == 1
            }
        }
        guard keyed else { throw CryptographyError("EVP_CipherInit_ex2") }
    }

    deinit {
        unsafe EVP_CIPHER_CTX_free(sealing)
        unsafe EVP_CIPHER_CTX_free(opening)
    }

    /// Appends ciphertext ‖ tag to `output`.
    /// - Parameter nonce: 12 bytes, never used twice under one key.
    public func seal(
        _ plaintext: Span<UInt8>, nonce: Span<UInt8>, authenticating associatedData: Span<UInt8>,
        into output: inout [UInt8]
    ) throws(CryptographyError) {
        guard nonce.count == Self.nonceLength else {
            throw CryptographyError(invalidInput: "an AES-GCM nonce has 12 bytes")
        }
        let start = output.count
        output.append(contentsOf: repeatElement(0, count: plaintext.count + Self.tagLength))
        let done = unsafe output.withUnsafeMutableBufferPointer { output in
            unsafe plaintext.withUnsafeBufferPointer { plaintext in
                unsafe nonce.withUnsafeBufferPointer { nonce in
                    unsafe associatedData.withUnsafeBufferPointer { associatedData in
                        var length: Int32 = 0
                        let ciphertext = unsafe output.baseAddress! + start
                        let tag = unsafe ciphertext + plaintext.count
                        return unsafe EVP_EncryptInit_ex2(sealing, nil, nil, nonce.baseAddress, nil) == 1
                            && EVP_EncryptUpdate(
                                sealing, nil, &length, associatedData.baseAddress, Int32(associatedData.count)) == 1
                            && EVP_EncryptUpdate(
                                sealing, ciphertext, &length, plaintext.baseAddress, Int32(plaintext.count)) == 1
                            && EVP_EncryptFinal_ex(sealing, tag, &length) == 1
                            && EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagLength), tag) == 1
                    }
                }
            }
        }
        guard done else {
            output.removeSubrange(start...)
            throw CryptographyError("EVP_EncryptUpdate")
        }
    }

    /// The plaintext, or nil where the message, its nonce or its associated data differ from what was sealed.
    /// - Parameter sealed: ciphertext ‖ tag.
    public func open(
        _ sealed: Span<UInt8>, nonce: Span<UInt8>, authenticating associatedData: Span<UInt8>
    ) -> [UInt8]? {
        guard nonce.count == Self.nonceLength, sealed.count >= Self.tagLength else { return nil }
        let ciphertextCount = sealed.count - Self.tagLength
        var isAuthentic = false
        // At least 1: with 0, the standard library writes the count into the empty array that all threads share.
        let plaintext = unsafe [UInt8](unsafeUninitializedCapacity: max(1, ciphertextCount)) { output, count in
            unsafe sealed.withUnsafeBufferPointer { sealed in
                unsafe nonce.withUnsafeBufferPointer { nonce in
                    unsafe associatedData.withUnsafeBufferPointer { associatedData in
                        var length: Int32 = 0
                        let tag = unsafe UnsafeMutablePointer(mutating: sealed.baseAddress! + ciphertextCount)
                        var end: UInt8 = 0
                        isAuthentic =
                            unsafe EVP_DecryptInit_ex2(opening, nil, nil, nonce.baseAddress, nil) == 1
                            && EVP_DecryptUpdate(
                                opening, nil, &length, associatedData.baseAddress, Int32(associatedData.count)) == 1
                            && EVP_DecryptUpdate(
                                opening, output.baseAddress, &length, sealed.baseAddress, Int32(ciphertextCount)) == 1
                            && EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagLength), tag) == 1
                            && EVP_DecryptFinal_ex(opening, &end, &length) == 1
                    }
                }
            }
            count = isAuthentic ? ciphertextCount : 0
        }
        if !isAuthentic { ERR_clear_error() }
        return isAuthentic ? plaintext : nil
    }
}
