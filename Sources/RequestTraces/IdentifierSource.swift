import Synchronization

/// 64-bit numbers for ids and for sampling, different in every process and never repeated within one: SplitMix64
/// (Steele, Lea and Flood 2014), seeded with the system's random numbers. A request costs an addition instead of a
/// system call. The numbers can be predicted from one another: trace ids are no secrets (W3C Trace Context §7).
final class IdentifierSource: Sendable {
    private let state = Atomic<UInt64>(.random(in: 0 ... .max))

    func next() -> UInt64 {
        var value = state.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed).newValue
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
