/// The keys that seal cache entries: one is current; the others still open the entries that they sealed.
public struct KeyRing: Sendable, Equatable {
    /// 1 to 255 bytes of `[A-Za-z0-9._-]`.
    public typealias Version = String

    public let current: Version
    /// 32 bytes each.
    public let keys: [Version: SymmetricKey]

    /// The one that seals.
    public var currentKey: SymmetricKey {
        guard let key = keys[current] else { preconditionFailure("a ring without its current key is not made") }
        return key
    }

    /// In the order of their numbers: `v9` before `v10`.
    public var versions: [Version] { Self.sorted(keys.keys) }

    /// - Throws: where a version's name has another shape, a key another length, or `current` is not among the keys.
    public init(current: Version, keys: [Version: SymmetricKey]) throws(KeyRingError) {
        guard !keys.isEmpty else { throw KeyRingError("no \"keys\"") }
        for (version, key) in keys {
            guard Self.isVersion(version) else { throw KeyRingError("a version is 1 to 255 of A-Z a-z 0-9 . _ -") }
            guard key.byteCount == AES256GCM.keyLength else {
                throw KeyRingError("version \(version): \(key.byteCount) bytes instead of \(AES256GCM.keyLength)")
            }
        }
        guard keys[current] != nil else { throw KeyRingError("the current version is not among the keys") }
        self.current = current
        self.keys = keys
    }

    public static func isVersion(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "-": true
                default: false
                }
            }
    }

    public static func sorted(_ versions: some Sequence<Version>) -> [Version] { versions.sorted(by: precedes) }

    /// Compares digits at the end by their value, so that versions are in the order in which they were made.
    private static func precedes(_ left: Version, _ right: Version) -> Bool {
        let (leftNumber, rightNumber) = (trailingNumber(left), trailingNumber(right))
        let (leftName, rightName) = (left.dropLast(leftNumber?.digits ?? 0), right.dropLast(rightNumber?.digits ?? 0))
        if leftName != rightName { return leftName < rightName }
        let (leftValue, rightValue) = (leftNumber?.value ?? 0, rightNumber?.value ?? 0)
        return leftValue == rightValue ? left < right : leftValue < rightValue
    }

    private static func trailingNumber(_ version: Version) -> (value: UInt64, digits: Int)? {
        let digits = version.reversed().prefix { ("0"..."9").contains($0) }.count
        return UInt64(version.suffix(digits)).map { ($0, digits) }
    }
}

/// Why there is no key ring. Names versions, files and services, never key bytes.
public struct KeyRingError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String
    /// Whether a retry may succeed although nothing was changed: a service did not answer.
    public let isTemporary: Bool

    public init(_ description: String, isTemporary: Bool = false) {
        self.description = description
        self.isTemporary = isTemporary
    }
}
