import HTTPClient
import StreamIssuing

/// The outcome of a look-up of an object.
struct HeadOutcome: Sendable {
    /// The moment from which the outcome is true; nil where the store was not called.
    let start: ContinuousClock.Instant?
    let wasAttempted: Bool
    let status: Int?
    var failure: Unavailable?
    /// The time of the calling request was up before the store answered.
    let isCutShort: Bool

    init(_ result: Result<Int, HTTPError>, start: ContinuousClock.Instant, isCutShort: Bool) {
        self.start = start
        self.isCutShort = isCutShort
        switch result {
        case .success(let status):
            self.status = status
            wasAttempted = true
            do throws(Unavailable) {
                try S3Answer.checkObject(status)
                failure = nil
            } catch {
                failure = error
            }
        case .failure(let error):
            status = nil
            wasAttempted = error.wasAttempted
            failure = S3Answer.noAnswer(error)
        }
    }

    private init(start: ContinuousClock.Instant?, failure: Unavailable, isCutShort: Bool) {
        self.start = start
        wasAttempted = start != nil
        status = nil
        self.failure = failure
        self.isCutShort = isCutShort
    }

    /// The store was not called.
    static func refused(_ failure: Unavailable) -> HeadOutcome {
        HeadOutcome(start: nil, failure: failure, isCutShort: false)
    }

    /// The request's time was up while another one's call was under way.
    static func gaveUpWaiting(since start: ContinuousClock.Instant) -> HeadOutcome {
        HeadOutcome(
            start: start,
            failure: Unavailable(.objectStore, code: "timeout", reason: "the store did not answer in time"),
            isCutShort: true)
    }
}

extension ObjectStoreCall {
    init(_ outcome: HeadOutcome, start: ContinuousClock.Instant) {
        self.init(
            operation: .head, start: start, duration: start.duration(to: .now), status: outcome.status,
            failure: outcome.failure,
            wasAttempted: outcome.wasAttempted, isRemembered: false)
    }

    static func remembered(_ start: ContinuousClock.Instant) -> ObjectStoreCall {
        ObjectStoreCall(
            operation: .head, start: start, duration: .zero, status: nil, failure: nil, wasAttempted: false,
            isRemembered: true)
    }
}
