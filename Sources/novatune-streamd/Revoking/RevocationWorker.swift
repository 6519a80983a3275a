import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import StreamIssuing

/// Takes one object after the other and gives it the tag that it must have. For one thread.
struct RevocationWorker {
    /// Of an object that the store refuses: 400 ms to a minute.
    private static let refusalDoublings = 8
    private static let refusalUnit: Duration = .milliseconds(400)
    private static let longestRefusal: Duration = .seconds(60)
    /// While another worker has the object that is next.
    private static let busyWait: Duration = .milliseconds(20)

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

    /// - Throws: where database or store do not answer; the object is due as before then.
    private mutating func change(_ claim: RevocationQueue.Claim) throws(Unavailable) {
        if let fresh = work.credentials(after: &credentials) { tagger.use(fresh) }
        let start = ContinuousClock.now
        do {
            let outcome = try tagger.mark(claim.objectKey, revoked: claim.mustBeRevoked)
            try queue.finish(claim)
            telemetry.done(outcome, claim, took: start.duration(to: .now))
            backoff.succeeded()
        } catch {
            guard Self.isOfObject(error) else {
                queue.giveBack()
                throw error
            }
            telemetry.refused(error, attempts: claim.attempts + 1)
            try queue.refuse(claim, code: error.code, until: Self.wait(claim.attempts, jitter: .random(in: 0...1)))
        }
    }

    /// Whether other objects may be changed though this one is refused. That is also unknown where the credentials lack
    /// the permission; then each object is refused in turn, and due again within a minute.
    static func isOfObject(_ cause: Unavailable) -> Bool {
        let codes = ["access_denied", "unknown_answer", "http_400", "http_403"]
        return cause.dependency == .objectStore && (cause.isAboutOneTrack || codes.contains(cause.code))
    }

    /// - Parameter jitter: 0 to 1.
    static func wait(_ attempts: Int, jitter: Double) -> Duration {
        let wait = min(refusalUnit * (1 << min(attempts, refusalDoublings)), longestRefusal)
        return wait - wait * (jitter / 2)
    }
}
