import COpenSSL
import Synchronization

/// Where secret bytes lie: OpenSSL's secure heap (CRYPTO_secure_malloc(3)), between guard pages, locked against being swapped where the
/// system permits, left out of core files.
enum SecretMemory {
    /// Enough for a thousand keys and secrets beside what OpenSSL itself puts there: 512 bytes for each thread that draws random numbers,
    /// which fail where there is no room. What of ours does not fit lies elsewhere, and is overwritten all the same.
    private static let heapSize = 256 << 10
    private static let smallestBlock = 16
    private static let isFull = Atomic<Bool>(false)

    /// 1 where the heap is locked, 2 where it is not, 0 where there is none.
    private static let state = CRYPTO_secure_malloc_init(heapSize, smallestBlock)

    /// Whether all of it is locked.
    static var isLocked: Bool { state == 1 && !isFull.load(ordering: .relaxed) }

    static func allocate(_ count: Int) -> UnsafeMutableRawBufferPointer {
        _ = state
        // Never of no size, which is a null pointer.
        let size = max(1, count)
        if let bytes = unsafe CRYPTO_secure_malloc(size, nil, 0) { return unsafe UnsafeMutableRawBufferPointer(start: bytes, count: count) }
        isFull.store(true, ordering: .relaxed)
        guard let bytes = unsafe CRYPTO_malloc(size, nil, 0) else { preconditionFailure("no memory for a secret") }
        return unsafe UnsafeMutableRawBufferPointer(start: bytes, count: count)
    }

    /// Overwrites them first.
    static func free(_ bytes: UnsafeMutableRawBufferPointer) {
        unsafe CRYPTO_secure_clear_free(bytes.baseAddress, max(1, bytes.count), nil, 0)
    }
}

extension [UInt8] {
    /// Overwrites all bytes with zeros, in a way that no compiler leaves out. Another array that shares the storage keeps them.
    public mutating func wipe() {
        unsafe withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    }
}
