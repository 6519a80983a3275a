import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import StreamIssuing

/// Takes one object after the other and gives it the tag that it must have. For one thread.
struct RevocationWorker {
    /// While other workers have the objects that are next.
    private static let busyWait: Duration = .milliseconds(20)
    /// After an object for which the store failed, while it takes other calls. It may still take no change at all.
    private static let failureWait: Duration = .milliseconds(100)

    let queue: RevocationQueue
    let tagger: ObjectTagger
    let work: RevocationWork
    let telemetry: RevocationTelemetry
    private var backoff = Backoff(from: .milliseconds(100), to: .seconds(5))
    private var credentials = 0

    init(queue: RevocationQueue, tagger: ObjectTagger, work: RevocationWork, telemetry: RevocationTelemetry) {
        self.queue = queue
        self.tagger = tagger
        self.work = work
        self.telemetry = telemetry
    }

    /// Until the signal to stop; the object under way is finished first.
    mutating func run() {
        while !work.stop.isSent {
            let seen = work.notifications
            do throws(Unavailable) {
                switch try queue.next() {
                case .claimed(let claim): try change(claim)
                case .busy: work.stop.wait(until: Deadline(after: Self.busyWait))
                case .none: work.wait(after: seen)
                }
            } catch {
                telemetry.failed(error)
                work.stop.wait(until: Deadline(after: backoff.failed(jitter: .random(in: 0...1))))
            }
        }
    }

    /// - Throws: where database or store do not answer.
    private mutating func change(_ claim: RevocationQueue.Claim) throws(Unavailable) {
        if let fresh = work.credentials(after: &credentials) { tagger.use(fresh) }
        let start = ContinuousClock.now
        let outcome: ObjectTagger.Outcome
        do {
            outcome = try tagger.mark(claim.objectKey, revoked: claim.mustBeRevoked)
        } catch {
            return try postpone(claim, error)
        }
        try queue.finish(claim)
        telemetry.done(outcome, claim, took: start.duration(to: .now))
        backoff.succeeded()
    }

    /// What may be the store's own failure is tried where no object is.
    private mutating func postpone(_ claim: RevocationQueue.Claim, _ cause: Unavailable) throws(Unavailable) {
        let refusal = RevocationRefusal(cause, attempts: claim.attempts, jitter: .random(in: 0...1))
        try queue.refuse(claim, code: cause.code, attempts: refusal.attempts, until: refusal.wait)
        if !refusal.isOfObject {
            guard takesOtherCalls else { throw cause }
            backoff.succeeded()
        }
        telemetry.refused(cause, attempts: refusal.attempts)
        if !refusal.isOfObject { work.stop.wait(until: Deadline(after: Self.failureWait)) }
    }

    private var takesOtherCalls: Bool {
        do { try tagger.probe() } catch { return false }
        return true
    }
}
