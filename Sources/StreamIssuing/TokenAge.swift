/// Whether a token was issued before or after a logout of all sessions, as far as two clocks can show it.
enum TokenAge: Equatable {
    case older
    case younger
    /// The clocks may differ by more than what is between the two moments.
    case unclear

    /// - Parameters:
    ///   - issuedAt: claim `iat`, by the issuer's clock.
    ///   - logout: microseconds since 1970, by the database's clock; `Int64.max` for "after every token".
    ///   - leeway: how far the clocks may differ. Zero leaves nothing unclear.
    init(issuedAt: UnixTime, logout: Int64, leeway: Duration) {
        let (claimed, overflow) = issuedAt.seconds.multipliedReportingOverflow(by: 1_000_000)
        let (seconds, attoseconds) = leeway.components
        let margin = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        guard !overflow else {
            self = .older
            return
        }
        let (earliest, isBelowRange) = claimed.subtractingReportingOverflow(margin)
        // The claim counts in whole seconds: the fraction is cut off.
        let (latest, isAboveRange) = claimed.addingReportingOverflow(margin + 1_000_000)
        if !isBelowRange, earliest >= logout {
            self = .younger
        } else if margin > 0, latest > logout || isAboveRange && logout != .max {
            self = .unclear
        } else {
            self = .older
        }
    }
}
