/// Rings as texts.
enum RingText {
    /// 32 bytes of 0x01, 0x02 and 0x03.
    static let one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
    static let two = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
    static let three = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM="

    static let oneVersion = #"{"current":"v1","keys":{"v1":"\#(one)"}}"#
    static let twoVersions = #"{"current":"v2","keys":{"v1":"\#(one)","v2":"\#(two)"}}"#
}
