/// How long a request may take.
public struct RequestLimits: Sendable {
    /// For the whole request, from the moment that nginx sent it on.
    public let requestTimeout: Duration
    /// Until the event loop begins the request. A request that waited longer is refused without work: under overload,
    /// answering the late ones in full would only make every other one late.
    public let queueTimeout: Duration

    public init(requestTimeout: Duration, queueTimeout: Duration) {
        self.requestTimeout = requestTimeout
        self.queueTimeout = queueTimeout
    }

    /// The wait, or zero where it may be a mere difference of two clocks that tick in milliseconds.
    static func counted(_ waited: Duration) -> Duration { waited < .milliseconds(5) ? .zero : waited }

    /// The time between the moment that nginx passed on and now. Zero where it is unknown or impossible: the clock may
    /// have been set meanwhile.
    /// - Parameters:
    ///   - received: nginx's `$msec`, seconds since 1970 with three decimals.
    ///   - now: milliseconds since 1970.
    static func waited(since received: String?, now: Int64) -> Duration {
        guard let received, let point = received.utf8.lastIndex(of: UInt8(ascii: ".")),
            let seconds = Int64(received[..<point]),
            received.utf8.distance(from: point, to: received.utf8.endIndex) == 4,
            let thousandths = UInt16(received[received.utf8.index(after: point)...])
        else { return .zero }
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        guard !overflow, seconds >= 0 else { return .zero }
        let waited = now - milliseconds - Int64(thousandths)
        return (0...60_000).contains(waited) ? .milliseconds(waited) : .zero
    }
}
