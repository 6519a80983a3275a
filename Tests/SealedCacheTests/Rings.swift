import Cryptography

/// Key rings for tests.
enum Rings {
    /// 32 bytes of 0x01, 0x02 and 0x03.
    static let one = SymmetricKey([UInt8](repeating: 1, count: 32))
    static let two = SymmetricKey([UInt8](repeating: 2, count: 32))
    static let three = SymmetricKey([UInt8](repeating: 3, count: 32))

    static func ring(current: String, _ keys: KeyValuePairs<String, SymmetricKey>) throws -> KeyRing {
        try KeyRing(current: current, keys: Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.value) }))
    }
}
