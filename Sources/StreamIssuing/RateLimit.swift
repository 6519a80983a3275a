/// A leaky bucket by nginx's arithmetic, so that both sides of the socket agree to the thousandth of a request.
/// https://nginx.org/r/limit_req
public struct RateLimit: Sendable, Equatable {
    /// What nginx/settings.envsh accepts.
    public static let perMinuteRange: ClosedRange<Int64> = 1...100_000

    /// Requests a minute; all of them may come in one burst.
    public let perMinute: Int64

    /// Nil outside of `perMinuteRange`.
    public init?(perMinute: Int64) {
        guard Self.perMinuteRange.contains(perMinute) else { return nil }
        self.perMinute = perMinute
    }

    /// Thousandths of a request that leave the bucket each second, rounded down (`rate=…r/m`).
    var outflow: Int64 { perMinute * 1000 / 60 }

    /// Thousandths of a request that the bucket holds beyond the one that is being answered (`burst=`).
    var burst: Int64 { (perMinute - 1) * 1000 }

    /// Seconds until a full bucket lets one more request pass, rounded up.
    public var retryAfterSeconds: Int { Int((1000 + outflow - 1) / outflow) }
}
