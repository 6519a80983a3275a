/// Why setup stops, and what the operator does about it. Holds no secret.
struct SetupFailure: Error, Equatable, CustomStringConvertible {
    let reason: String
    let advice: String
    /// Whether the operator has read it already.
    var isReported = false

    init(_ reason: String, advice: String) {
        self.reason = reason
        self.advice = advice
    }

    static func == (left: SetupFailure, right: SetupFailure) -> Bool {
        left.reason == right.reason && left.advice == right.advice
    }

    var description: String { "\(reason); \(advice)" }
}
