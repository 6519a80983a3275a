import COpenSSL
import Synchronization

/// Memory for secrets: OpenSSL's secure heap (CRYPTO_secure_malloc(3)), between guard pages, locked against swapping
/// where the system permits, left out of core files.
enum SecretMemory {
    /// Room for a thousand keys and secrets beside OpenSSL's own use: 512 bytes for each thread that draws random
    /// numbers, whose draws fail where there is no room. Secrets of ours that do not fit are allocated elsewhere and
    /// are still overwritten.
    private static let heapSize = 256 << 10
    private static let smallestBlock = 16
    private static let isFull = Atomic<Bool>(false)

    /// 1 where the heap is locked, 2 where it is not, 0 where there is none.
    private static let state = CRYPTO_secure_malloc_init(heapSize, smallestBlock)

    /// Whether all secrets are in locked memory.
    static var isLocked: Bool { state == 1 && !isFull.load(ordering: .relaxed) }

    static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        _ = state
        // A size of 0 would give a null pointer.
        let size = max(1, count)
        if let bytes = unsafe CRYPTO_secure_malloc(size, nil, 0) {
            return unsafe UnsafeMutableRawBufferPointer(start: bytes, count: count)
        }
        isFull.store(true, ordering: .relaxed)
        guard let bytes = unsafe CRYPTO_malloc(size, nil, 0) else { preconditionFailure("no memory for a secret") }
        return unsafe UnsafeMutableRawBufferPointer(start: bytes, count: count)
    }

    /// Overwrites the bytes, then frees them.
    static func free(_ bytes: UnsafeMutableRawBufferPointer) {
        unsafe CRYPTO_secure_clear_free(bytes.baseAddress, max(1, bytes.count), nil, 0)
    }
}

extension [UInt8] {
    /// Overwrites all bytes with zeros, in a way that no compiler optimises away. Another array that shares the storage
    /// keeps them.
    public mutating func wipe() {
        unsafe withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
