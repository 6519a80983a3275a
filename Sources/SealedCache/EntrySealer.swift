public import Cryptography

/// Seals and opens cache values:
///
///     1 byte   format, 1
///     1 byte   length of the key version
///     n bytes  key version
///     12 bytes nonce
///     m bytes  ciphertext
///     16 bytes tag
///
/// AES-256-GCM. The associated data is everything before the nonce, followed by the cache key, so that an entry opens
/// only under the key that it was stored under. Contexts are reused: not thread-safe.
public final class EntrySealer {
    /// Why a value does not open; all of them are misses.
    public enum OpenFailure: String, Error, Sendable, CaseIterable {
        case unknownFormat = "unknown_format"
        case unknownKeyVersion = "unknown_key_version"
        /// Shorter than its length fields say.
        case truncated
        /// Changed, moved to another cache key, or sealed with other bytes of the same key version.
        case notAuthentic = "not_authentic"
    }

    static let format: UInt8 = 1

    private let current: KeyRing.Version
    /// The key version that seals new entries.
    public var currentVersion: KeyRing.Version { current }
    private let currentCipher: AES256GCM
    private let ciphers: [KeyRing.Version: AES256GCM]
    private let random: any RandomSource
    private let seals: SealCount

    /// - Parameter counts: shared by all sealers of the process, so that no key seals more often than is safe.
    public init(
        _ ring: KeyRing, counts: KeyUsage = KeyUsage(), random: any RandomSource = SecureRandom()
    ) throws(CryptographyError) {
        current = ring.current
        var ciphers: [KeyRing.Version: AES256GCM] = [:]
        for (version, key) in ring.keys { ciphers[version] = try AES256GCM(key: key) }
        guard let currentCipher = ciphers[ring.current], let currentKey = ring.keys[ring.current] else {
            throw CryptographyError(invalidInput: "the key ring has no current key")
        }
        self.currentCipher = currentCipher
        self.ciphers = ciphers
        self.random = random
        seals = try counts.count(of: currentKey, version: ring.current)
    }

    /// - Throws: also where the current key has sealed as often as it may.
    public func seal(_ plaintext: [UInt8], under cacheKey: String) throws(CryptographyError) -> [UInt8] {
        guard seals.tryRecordInvocation() else {
            throw CryptographyError(invalidInput: "the key has sealed 2^32 values; rotate it")
        }
        let version = Array(current.utf8)
        var value: [UInt8] = [Self.format, UInt8(truncatingIfNeeded: version.count)]
        value.reserveCapacity(2 + version.count + AES256GCM.nonceLength + plaintext.count + AES256GCM.tagLength)
        value.append(contentsOf: version)
        let associatedData = value + cacheKey.utf8
        var nonce = [UInt8](repeating: 0, count: AES256GCM.nonceLength)
        random.fill(&nonce)
        value.append(contentsOf: nonce)
        try currentCipher.seal(plaintext.span, nonce: nonce.span, authenticating: associatedData.span, into: &value)
        return value
    }

    public func open(_ value: [UInt8], under cacheKey: String) throws(OpenFailure) -> [UInt8] {
        guard let format = value.first else { throw .truncated }
        guard format == Self.format else { throw .unknownFormat }
        guard value.count >= 2 else { throw .truncated }
        let nonceStart = 2 + Int(value[1])
        let ciphertextStart = nonceStart + AES256GCM.nonceLength
        guard value.count >= ciphertextStart + AES256GCM.tagLength else { throw .truncated }
        guard let cipher = cipher(of: value[2..<nonceStart]) else { throw .unknownKeyVersion }
        var associatedData: [UInt8] = []
        associatedData.reserveCapacity(nonceStart + cacheKey.utf8.count)
        associatedData.append(contentsOf: value[..<nonceStart])
        associatedData.append(contentsOf: cacheKey.utf8)
        let plaintext = cipher.open(
            value.span.extracting(ciphertextStart...), nonce: value.span.extracting(nonceStart..<ciphertextStart),
            authenticating: associatedData.span)
        guard let plaintext else { throw .notAuthentic }
        return plaintext
    }

    /// Nearly every entry was sealed with the current key.
    private func cipher(of version: ArraySlice<UInt8>) -> AES256GCM? {
        if version.elementsEqual(current.utf8) { return currentCipher }
        return String(validating: version, as: UTF8.self).flatMap { ciphers[$0] }
    }
}
