/// The same numbers at every run: SplitMix64 (Steele, Lea, Flood 2014).
public struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// `bytes` with one to four changes: a bit flipped, a byte set, inserted or removed, the end cut off, a part
    /// doubled, a character exchanged for one of another class, and where there is an `other`, the rest taken from
    /// that.
    public mutating func mutated(_ bytes: [UInt8], splicing other: [UInt8]? = nil) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            guard !result.isEmpty else {
                result.append(.random(in: 0...255, using: &self))
                continue
            }
            let position = Int.random(in: 0..<result.count, using: &self)
            switch Int.random(in: 0..<(other == nil ? 7 : 8), using: &self) {
            case 0: result[position] ^= 1 << UInt8.random(in: 0..<8, using: &self)
            case 1: result[position] = .random(in: 0...255, using: &self)
            case 2: result.insert(.random(in: 0...255, using: &self), at: position)
            case 3: result.remove(at: position)
            case 4: result.removeSubrange(position...)
            case 5: result.insert(contentsOf: result[position...].prefix(16), at: position)
            case 6: result[position] = "aA0-_+/=. \n\0".utf8.randomElement(using: &self)!
            default: result.replaceSubrange(position..., with: (other ?? []).dropFirst(position))
            }
        }
        return result
    }
}
