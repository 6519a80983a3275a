import StreamIssuing

/// When credentials that end soon are read again: a value.
struct CredentialsRenewal {
    enum Action: Equatable {
        case wait
        /// - Parameter isLate: whether they should have been replaced by now.
        case readAgain(isLate: Bool)
    }

    /// AWS's services replace credentials 5 minutes or more before their end.
    private static let lead: Duration = .seconds(300)
    /// What is not replaced by then is worth a warning.
    private static let lateLead: Duration = .seconds(120)
    private static let interval: Duration = .seconds(15)

    private var readAt: UnixTime?

    /// - Parameter urlLifetime: from the moment when less than this is left, no URL is signed.
    mutating func action(expiration: UnixTime?, urlLifetime: Duration, at now: UnixTime) -> Action {
        guard let expiration else { return .wait }
        let left = now.duration(to: expiration) - urlLifetime
        guard left < Self.lead else {
            readAt = nil
            return .wait
        }
        if let readAt, readAt <= now, readAt.duration(to: now) < Self.interval { return .wait }
        readAt = now
        return .readAgain(isLate: left < Self.lateLead)
    }
}
