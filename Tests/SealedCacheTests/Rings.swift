import SealedCache

/// Key rings for tests.
enum Rings {
    /// 32 bytes of 0x01, 0x02 and 0x03.
    static let one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    static let two = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    static let three = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="

    static func ring(current: String, _ keys: KeyValuePairs<String, String>) throws -> KeyRing {
        let members = keys.map { "\"\($0)\":\"\($1)\"" }.joined(separator: ",")
        return try KeyRing(json: Array("{\"current\":\"\(current)\",\"keys\":{\(members)}}".utf8))
    }
}
