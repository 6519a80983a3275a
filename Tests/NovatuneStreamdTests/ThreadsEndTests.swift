import FastCGI
import Glibc
import Logging
import ProviderKeys
import RequestTraces
import Resilience
import TestSupport
import Testing

@testable import novatune_streamd

/// What `serve` starts ends its threads when it is stopped, whatever the dependencies do.
@Suite(.serialized) struct ThreadsEndTests {
    /// How database, cache, object store and collector behave.
    enum Dependencies: CaseIterable {
        case refusing, silent, hangingUp
    }

    /// Of all threads, as the kernel keeps their names.
    /// Those alone that no other suite starts: all suites run in one process.
    private static let names = ["probe-database", "probe-object_st", "probe-cache", "invalidation", "loop-7"]
    private let maximumWait: Duration = .seconds(20)
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test(arguments: Dependencies.allCases) func stoppedMonitorEndsItsProbes(dependencies: Dependencies) throws {
        let server = server(dependencies)
        let resources = try resources(server)
        let monitor = DependencyMonitor(resources)
        #expect(running("probe-database") == 0)
        monitor.start()
        #expect(eventually { monitor.state.allSatisfy { $0.failure != "not probed yet" } })
        #expect(running("probe-database") == 1 && running("probe-object_st") == 1 && running("probe-cache") == 1)
        monitor.stop()
        #expect(monitor.join(by: Deadline(after: maximumWait)))
        #expect(resources.stop(by: Deadline(after: maximumWait), spansBy: Deadline(after: .zero)))
        #expect(server == nil || server!.accepted > 0)
        expectNoThreads()
    }

    @Test(arguments: Dependencies.allCases) func stoppedWatchEndsItsThread(dependencies: Dependencies) throws {
        let server = server(dependencies)
        let resources = try resources(server)
        let watch = InvalidationSubscriber(resources)
        watch.start()
        #expect(running("invalidation") == 1)
        // In the middle of the wait before a further attempt, where it is refused.
        #expect(eventually { server == nil || server!.accepted > 0 })
        watch.stop()
        #expect(watch.join(by: Deadline(after: maximumWait)))
        #expect(resources.stop(by: Deadline(after: maximumWait), spansBy: Deadline(after: .zero)))
        expectNoThreads()
    }

    @Test(arguments: Dependencies.allCases) func stoppedLoopEndsItsThreads(dependencies: Dependencies) throws {
        let server = server(dependencies)
        let resources = try resources(server)
        let loop = try loop(resources)
        loop.start()
        #expect(eventually { server == nil || server!.accepted >= 2 })
        #expect(running("loop-7") == 1 && running("pg-connect") >= 1 && running("cache-connect") >= 1)
        #expect(loop.drain(within: maximumWait).wait(until: Deadline(after: maximumWait)))
        #expect(loop.stop(by: Deadline(after: maximumWait)))
        #expect(resources.stop(by: Deadline(after: maximumWait), spansBy: Deadline(after: .zero)))
        expectNoThreads()
    }

    /// A process that stops leaves such threads to its end.
    @Test func callThatDoesNotReturnDoesNotBlockTheStop() throws {
        let server = UnhelpfulServer(.silent)
        let resources = try resources(server, timeout: "60s")
        let (loop, monitor, watch) = (
            try loop(resources), DependencyMonitor(resources), InvalidationSubscriber(resources)
        )
        loop.start()
        monitor.start()
        watch.start()
        // All of them: two of the loop, three probes, and the watch.
        #expect(eventually { server.accepted == 6 })
        #expect(loop.drain(within: maximumWait).wait(until: Deadline(after: maximumWait)))
        monitor.stop()
        watch.stop()
        let soon = Deadline(after: .milliseconds(50))
        #expect(
            !monitor.join(by: soon) && !watch.join(by: soon) && !loop.stop(by: soon)
                && !resources.stop(by: soon, spansBy: soon))
        server.hangUp()
        let later = Deadline(after: maximumWait)
        #expect(monitor.join(by: later) && watch.join(by: later) && loop.stop(by: later))
        #expect(resources.stop(by: later, spansBy: later))
        expectNoThreads()
    }

    // MARK: What is started

    private func server(_ dependencies: Dependencies) -> UnhelpfulServer? {
        switch dependencies {
        case .refusing: nil
        case .silent: UnhelpfulServer(.silent)
        case .hangingUp: UnhelpfulServer(.hangsUp)
        }
    }

    /// - Parameter server: every dependency; nil where none can be reached.
    private func resources(_ server: UnhelpfulServer?, timeout: String = "100ms") throws -> Resources {
        let port = server?.port ?? 1
        let environment = Environments.least(with: [
            "NOVATUNE_DATABASE_URL": "postgresql://user@127.0.0.1:\(port)/novatune",
            "NOVATUNE_DATABASE_TIMEOUT": timeout,
            "NOVATUNE_CACHE_URL": "redis://127.0.0.1:\(port)/1", "NOVATUNE_CACHE_TIMEOUT": timeout,
            "NOVATUNE_S3_ENDPOINT": "http://127.0.0.1:\(port)", "NOVATUNE_S3_TIMEOUT": timeout,
            "NOVATUNE_OTLP_ENDPOINT": "http://127.0.0.1:\(port)",
        ])
        let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        return Resources(
            try Environments.read(environment), try Environments.readSecrets(environment),
            ProviderKeySets(clock: SystemClock()), telemetry: Telemetry(silent))
    }

    private func loop(_ resources: Resources) throws -> RequestLoop {
        let socket = try ListeningSocket(.unix(path: directory.path("s")))
        return RequestLoop(7, resources, socket: socket, reserve: DescriptorReserve(size: 0))
    }

    private func running(_ name: String) -> Int { ThreadNames.count(name) }

    private func expectNoThreads() {
        #expect(eventually { ThreadNames.running.isDisjoint(with: Self.names) })
    }
}
