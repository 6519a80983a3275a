import HTTPClient
public import StreamIssuing

/// How far this machine's clock is from a server's, as the header `Date` (RFC 9110 §6.6.1) of an answer shows it.
public struct ClockOffset: Sendable, Equatable, CustomStringConvertible {
    /// Positive where this machine's clock is ahead. The time that the answer took is not part of it; right to a second.
    public let seconds: Int

    /// From this offset on it is worth a warning, in seconds.
    public static let warningLevel = 5
    /// A warning ends below this one, so that it does not come and go with each answer.
    private static let endOfWarning = 3

    /// - Parameters:
    ///   - server: the server's clock, at a moment from `sent` to `received`.
    ///   - sent: this machine's clock before the request.
    ///   - received: the same after the answer.
    public init(server: UnixTime, sent: UnixTime, received: UnixTime) {
        let ahead = server.duration(to: sent), behind = received.duration(to: server)
        let offset = ahead > .zero ? ahead : behind > .zero ? .zero - behind : .zero
        seconds = Int(offset.components.seconds)
    }

    /// Nil without a date that can be read.
    init?(date: String?, sent: UnixTime, received: UnixTime) {
        guard let date, let seconds = HTTPDate.seconds(date) else { return nil }
        self.init(server: UnixTime(seconds: seconds), sent: sent, received: received)
    }

    /// - Parameter isWarned: whether the offset before it was worth a warning.
    public func isWorthWarning(_ isWarned: Bool) -> Bool {
        abs(seconds) >= (isWarned ? Self.endOfWarning : Self.warningLevel)
    }

    /// `20 s behind the store's`.
    public var description: String {
        seconds == 0 ? "as the store's" : "\(abs(seconds)) s \(seconds > 0 ? "ahead of" : "behind") the store's"
    }
}
