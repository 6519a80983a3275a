/// How many calls may wait for a dependency: a value (M. Nygard, "Release It!", "Bulkheads").
///
/// A waiting call holds memory only, so the limit can be high; it bounds that memory while the dependency stalls. Calls
/// beyond the limit are refused without waiting.
public struct InFlightLimit: Sendable, Equatable {
    public static let defaultLimit = 1024

    /// 1 or more.
    public let limit: Int
    /// Calls that wait now.
    public private(set) var count = 0

    public init(_ limit: Int = InFlightLimit.defaultLimit) {
        self.limit = max(1, limit)
    }

    /// - Returns: false where the call must not be made; true obliges the caller to call `leave`.
    public mutating func enter() -> Bool {
        guard count < limit else { return false }
        count += 1
        return true
    }

    public mutating func leave() {
        precondition(count > 0, "more calls have left than have entered")
        count -= 1
    }
}
