import EventLoop
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import PostgreSQLTrackStore

/// Connecting to a server that does not serve. `IntegrationTests` connect to one that does.
@Suite struct ConnectingTests {
    private let running = RunningLoop()

    /// Reports of a store that connects again and again.
    private func reports(of conninfo: String, count: Int, timeout: Duration) async -> [Unavailable?] {
        let reports = Locked<[Unavailable?]>([])
        let store = await running.run { loop in
            let store = PipelinedTrackStore(
                loop, conninfo: SecretText(conninfo), timeout: timeout,
                breaker: SharedBreaker(CircuitBreaker.Policy(failureLimit: .max)),
                reportConnecting: { report in reports.withLock { $0.append(report) } })
            store.connect()
            return store
        }
        // No request asks for it.
        #expect(eventually { reports.withLock { $0.count } >= count })
        await running.run { _ in store.close() }
        #expect(store.stop(by: Deadline(after: .seconds(20))))
        return reports.withLock { $0 }
    }

    @Test func connectionThatIsAcceptedAndNotServedNamesThePool() async throws {
        let server = UnhelpfulServer(.silent)
        let reports = await reports(
            of: "host=127.0.0.1 port=\(server.port) sslmode=disable", count: 2, timeout: .milliseconds(100))
        let failure = try #require(reports.first ?? nil)
        #expect(failure.code == "timeout" && failure.reason.contains("NOVATUNE_LOOPS + 3"))
        #expect(server.accepted >= 2)
    }

    @Test func connectionThatIsRefusedIsTriedAgainWithoutARequest() async throws {
        let reports = await reports(of: "host=127.0.0.1 port=1", count: 3, timeout: .seconds(20))
        #expect(reports.allSatisfy { $0?.code == "connect" })
    }
}
