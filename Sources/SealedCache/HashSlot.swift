/// The slot of a key in a cluster (Redis Cluster specification, "Key distribution model" and "Hash tags").
enum HashSlot {
    static let count = 16_384

    static func of(_ key: String) -> Int {
        var checksum: UInt16 = 0
        for byte in hashed(key.utf8[...]) {
            checksum = (checksum << 8) ^ table[Int((checksum >> 8) ^ UInt16(byte))]
        }
        return Int(checksum) % count
    }

    /// What is between the first `{` and the first `}` after it, if anything; else the whole key.
    private static func hashed(_ key: Substring.UTF8View) -> Substring.UTF8View {
        guard let open = key.firstIndex(of: UInt8(ascii: "{")) else { return key }
        let rest = key[key.index(after: open)...]
        guard let close = rest.firstIndex(of: UInt8(ascii: "}")), close > rest.startIndex else { return key }
        return rest[..<close]
    }

    /// CRC-16/XMODEM: polynomial 0x1021, most significant bit first.
    private static let table: [UInt16] = (0..<256).map { index in
        (0..<8).reduce(UInt16(index) << 8) { value, _ in value & 0x8000 == 0 ? value << 1 : (value << 1) ^ 0x1021 }
    }
}
