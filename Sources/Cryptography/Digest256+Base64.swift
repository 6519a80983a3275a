import COpenSSL

extension Digest256 {
    /// RFC 4648 §4, 44 characters, as checksum headers of S3 have it.
    public var base64: String {
        let raw = bytes
        return unsafe String(unsafeUninitializedCapacity: 45) { output in
            unsafe raw.withUnsafeBufferPointer { input in
                unsafe Int(EVP_EncodeBlock(output.baseAddress, input.baseAddress, Int32(input.count)))
            }
        }
    }
}
