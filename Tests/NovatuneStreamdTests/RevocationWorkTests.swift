import Resilience
import SigV4
import Testing

@testable import novatune_streamd

@Suite struct RevocationWorkTests {
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
