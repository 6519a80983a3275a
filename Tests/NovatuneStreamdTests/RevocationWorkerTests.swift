import Resilience
import SigV4
import StreamIssuing
import Testing

@testable import novatune_streamd

@Suite struct RevocationWorkerTests {
    @Test func refusedObjectIsDueAgainLaterEachTimeUpToAMinute() {
        let waits = (0..<12).map { RevocationWorker.wait($0, jitter: 0) }
        #expect(waits.first == .milliseconds(400) && waits.last == .seconds(60))
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(RevocationWorker.wait(1, jitter: 1) == .milliseconds(400))
        #expect(RevocationWorker.wait(.max, jitter: 0.5) == .seconds(45))
    }

    @Test(arguments: ["access_denied", "too_many_tags", "unknown_answer", "illegal_key", "http_400", "http_403"])
    func refusalOfOneObjectHoldsUpNoOther(_ code: String) {
        #expect(RevocationWorker.isOfObject(Unavailable(.objectStore, code: code, reason: "")))
        #expect(!RevocationWorker.isOfObject(Unavailable(.database, code: code, reason: "")))
    }

    @Test(arguments: [
        "timeout", "connect", "lost", "tls", "http_500", "http_503", "signature_mismatch", "missing_bucket",
    ])
    func storeThatDoesNotAnswerLeavesEveryObjectDue(_ code: String) {
        #expect(!RevocationWorker.isOfObject(Unavailable(.objectStore, code: code, reason: "")))
    }

    @Test func replacedCredentialsAreTakenOnce() {
        let work = RevocationWork(.init(accessKeyID: "a", secretAccessKey: "s"), poll: .seconds(1))
        var generation = 0
        #expect(work.credentials(after: &generation) == nil)
        work.replace(.init(accessKeyID: "b", secretAccessKey: "s"))
        #expect(work.credentials(after: &generation)?.accessKeyID == "b")
        #expect(work.credentials(after: &generation) == nil)
    }

    @Test func notificationBeforeTheWaitEndsIt() {
        let work = RevocationWork(.init(accessKeyID: "a", secretAccessKey: "s"), poll: .seconds(3600))
        let seen = work.notifications
        work.notify()
        work.wait(after: seen)
        work.end()
        work.wait(after: work.notifications)
        #expect(work.stop.isSent)
    }
}
