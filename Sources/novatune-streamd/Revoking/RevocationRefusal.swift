import Resilience
import StreamIssuing

/// What becomes of an object whose change the store has not taken: a value.
struct RevocationRefusal: Equatable {
    /// Of an object that is refused: 400 ms to a minute.
    private static let unit: Duration = .milliseconds(400)
    private static let doublings = 8
    private static let longestWait: Duration = .seconds(60)
    /// Of failures that may be the store's own. They are no measure of how long the object's refusals last.
    private static let countedFailures = 4
    private static let longestWaitAfterFailure: Duration = .seconds(4)

    /// Whether the answer is about the object. Else it may be about it, such as a lasting 500 for one key, or about the
    /// store as a whole.
    let isOfObject: Bool
    /// What the row says from now on.
    let attempts: Int
    /// Until the object is due again. Others are due before it, so that no object holds them up.
    let wait: Duration

    /// - Parameters:
    ///   - attempts: so far.
    ///   - jitter: 0 to 1. Shortens the wait by up to half.
    init(_ cause: Unavailable, attempts: Int, jitter: Double) {
        isOfObject = Self.isOfObject(cause)
        self.attempts = isOfObject ? attempts + 1 : max(attempts, min(attempts + 1, Self.countedFailures))
        let longest = isOfObject ? Self.longestWait : Self.longestWaitAfterFailure
        let wait = min(Self.unit * (1 << min(attempts, Self.doublings)), longest)
        self.wait = wait - wait * (jitter / 2)
    }

    /// It is also unknown for these codes where the credentials lack the permission; then each object is refused in turn,
    /// and due again within a minute.
    private static func isOfObject(_ cause: Unavailable) -> Bool {
        let codes = ["access_denied", "unknown_answer", "http_400", "http_403"]
        return cause.isAboutOneTrack || codes.contains(cause.code)
    }
}
