import COpenSSL

/// The bytes of a secret key, in memory that is locked where the system permits and overwritten when the last copy is
/// dropped. Keys are compared in constant time, and print as `<redacted>`.
public struct SymmetricKey: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    private let storage: SecretBlock

    /// - Parameter body: writes every byte; what it leaves out is zero.
    public init<Failure: Error>(
        byteCount: Int, filledBy body: (inout MutableSpan<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        storage = SecretBlock(byteCount)
        var span = unsafe storage.bytes.bindMemory(to: UInt8.self).mutableSpan
        try body(&span)
    }

    public init(_ bytes: some Collection<UInt8>) {
        self.init(byteCount: bytes.count) { span in
            for (index, byte) in bytes.enumerated() { span[index] = byte }
        }
    }

    /// Unpredictable bytes from OpenSSL's generator for private values (RAND_priv_bytes(3)), made in place.
    public static func random(byteCount: Int = AES256GCM.keyLength) -> SymmetricKey {
        SymmetricKey(byteCount: byteCount) { span in
            let done = unsafe span.withUnsafeMutableBufferPointer { bytes in
                unsafe RAND_priv_bytes(bytes.baseAddress, Int32(bytes.count))
            }
            precondition(done == 1, "no randomness to be had")
        }
    }

    public var byteCount: Int { unsafe storage.bytes.count }

    /// Whether all keys are locked against being swapped to disk; where not, RLIMIT_MEMLOCK is too low (LimitMEMLOCK=
    /// of systemd).
    public static var isMemoryLocked: Bool { SecretMemory.isLocked }

    /// The bytes are valid inside `body` only.
    public func withBytes<Result, Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Result) throws(Failure)
        -> Result
    {
        unsafe try body(UnsafeRawBufferPointer(storage.bytes).bindMemory(to: UInt8.self).span)
    }

    /// 16 hexadecimal digits that distinguish keys and reveal nothing else: the start of an HMAC-SHA-256 under the key.
    public func fingerprint() throws(CryptographyError) -> String {
        let code = try withBytes { (key) throws(CryptographyError) in
            try HMACSHA256(key: key).authenticationCode(for: "novatune key fingerprint".utf8.span)
        }
        return String(code.hexadecimal.prefix(16))
    }

    public static func == (left: SymmetricKey, right: SymmetricKey) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        return unsafe CRYPTO_memcmp(left.storage.bytes.baseAddress, right.storage.bytes.baseAddress, left.byteCount)
            == 0
    }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Secret memory, shared by all copies of a key, none of which changes it.
@safe private final class SecretBlock: @unchecked Sendable {
    let bytes: UnsafeMutableRawBufferPointer

    init(_ count: Int) {
        unsafe bytes = unsafe SecretMemory.allocate(count)
        unsafe bytes.initializeMemory(as: UInt8.self, repeating: 0)
    }

    deinit { unsafe SecretMemory.free(bytes) }
}
