import Glibc
import Resilience
import StreamIssuing
import Testing

@testable import PostgreSQLTrackStore

/// The listener against the live database, and against peers that do not help.
@Suite(.serialized) struct InvalidationListenerTests {
    private let stack = LiveStack.shared
    private let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!

    private func makeListener(
        _ name: String, conninfo: String? = nil, timeout: Duration = .seconds(2), maximumWait: Duration = .seconds(15),
        stop: StopSignal = StopSignal()
    ) -> InvalidationListener {
        let conninfo = conninfo ?? stack["RESPONDER_DATABASE_URL"]
        let separator = conninfo.contains("?") ? "&" : "?"
        return InvalidationListener(
            conninfo: SecretText("\(conninfo)\(separator)application_name=\(name)"), timeout: timeout,
            maximumWait: maximumWait, stop: stop)
    }

    /// The stack's own triggers speak on the channel too: only words about `user` count.
    private func next(_ listener: InvalidationListener, within limit: Duration = .seconds(10)) -> InvalidationListener
        .Event?
    {
        let deadline = Deadline(after: limit)
        while let event = listener.next(by: deadline.instant) {
            if case .received(let invalidation) = event, invalidation.scope.user != user { continue }
            if event == .answered { continue }
            return event
        }
        return nil
    }

    private func expectReceiving(_ listener: InvalidationListener) {
        #expect(next(listener) == .listening)
        #expect(next(listener) == .receiving)
    }

    private func say(_ invalidation: Invalidation) throws {
        try InvalidationSender.send(
            invalidation, conninfo: SecretText(stack["RESPONDER_DATABASE_URL"]), timeout: .seconds(2))
    }

    private func backend(_ name: String) throws -> String {
        // The connection that has sent the check may still end.
        try stack.psql(
            "select pid from pg_stat_activity where application_name = '\(name)' order by backend_start limit 1")
    }

    @Test func sentNotificationIsReceived() throws {
        let listener = makeListener("novatune-receives")
        expectReceiving(listener)
        let said = [
            Invalidation(.user(user), reason: .logout),
            Invalidation(.track(user: user, track: user), reason: .deletion),
            Invalidation(.user(user), reason: .statusChange),
        ]
        for invalidation in said { try say(invalidation) }
        for invalidation in said { #expect(next(listener) == .received(invalidation)) }
        #expect(next(listener, within: .milliseconds(50)) == nil)
    }

    @Test func stopSignalEndsTheWaitForNotifications() {
        let stop = StopSignal()
        let listener = makeListener("novatune-stops", stop: stop)
        expectReceiving(listener)
        let deadline = ContinuousClock.now.advanced(by: .seconds(600))
        stop.send()
        #expect(listener.next(by: deadline) == nil)
        #expect(ContinuousClock.now < deadline)
    }

    @Test func onlyCommittedNotificationsAreReceived() throws {
        let listener = makeListener("novatune-commits")
        expectReceiving(listener)
        _ = try stack.psql("begin; notify novatune_invalidation, '\(user) * logout'; rollback")
        _ = try stack.psql("begin; notify novatune_invalidation, '\(user) * deletion'; commit")
        #expect(next(listener) == .received(Invalidation(.user(user), reason: .deletion)))
    }

    @Test func malformedNotificationIsReportedAndTheNextIsReceived() throws {
        let listener = makeListener("novatune-junk")
        expectReceiving(listener)
        for junk in ["", "junk", "\(user) \(user) \(user)", String(repeating: "é", count: 3900)] {
            _ = try stack.psql("select pg_notify('novatune_invalidation', '\(junk)')")
            #expect(next(listener) == .malformed)
        }
        try say(Invalidation(.user(user), reason: .logout))
        #expect(next(listener) == .received(Invalidation(.user(user), reason: .logout)))
    }

    @Test func lostConnectionIsReportedAndReplaced() throws {
        let listener = makeListener("novatune-cut")
        expectReceiving(listener)
        for _ in 0..<3 {
            _ = try stack.psql(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'novatune-cut'")
            guard case .lost = next(listener) else { throw Unexpected() }
            expectReceiving(listener)
            try say(Invalidation(.user(user), reason: .logout))
            #expect(next(listener) == .received(Invalidation(.user(user), reason: .logout)))
        }
    }

    /// A connection that is still there as far as this side can see.
    @Test func silentServerIsDetected() throws {
        let listener = makeListener("novatune-silent", timeout: .milliseconds(200), maximumWait: .milliseconds(100))
        expectReceiving(listener)
        let stopped = try #require(pid_t(backend("novatune-silent")))
        kill(stopped, SIGSTOP)
        defer { kill(stopped, SIGCONT) }
        #expect(next(listener) == .lost(PostgreSQLError(code: .timeout).unavailable))
        expectReceiving(listener)
    }

    @Test func idleListenerStaysConnected() throws {
        let listener = makeListener("novatune-idle", maximumWait: .milliseconds(50))
        expectReceiving(listener)
        let before = try backend("novatune-idle")
        let deadline = Deadline(after: .seconds(10))
        while !deadline.isPast, listener.next(by: deadline.instant) != .answered {}
        #expect(!deadline.isPast)
        #expect(next(listener, within: .milliseconds(400)) == nil)
        #expect(try backend("novatune-idle") == before)
    }

    @Test func attemptsOnAnUnreachableServerBackOff() throws {
        let listener = makeListener("novatune-dead", conninfo: "postgresql://unknown@127.0.0.1:1/none")
        var moments: [ContinuousClock.Instant] = []
        for _ in 0..<4 {
            guard case .lost(let cause) = next(listener) else { throw Unexpected() }
            #expect(cause.code == "connect")
            moments.append(.now)
        }
        // At least half of 100, 200 and 400 ms.
        for (index, leastMilliseconds) in [50, 100, 200].enumerated() {
            #expect(moments[index].duration(to: moments[index + 1]) >= .milliseconds(leastMilliseconds))
        }
    }

    @Test func deadlineEndsTheWaitForTheNextAttempt() {
        let listener = makeListener("novatune-deadline", conninfo: "postgresql://unknown@127.0.0.1:1/none")
        for _ in 0..<3 { _ = next(listener) }
        #expect(next(listener, within: .milliseconds(1)) == nil)
    }

    /// The role may have `default_transaction_read_only = on`.
    @Test func readOnlySessionReceives() throws {
        let readOnly = "options=-c%20default_transaction_read_only%3Don"
        let listener = makeListener("novatune-reads", conninfo: stack["RESPONDER_DATABASE_URL"].adding(readOnly))
        expectReceiving(listener)
        try InvalidationSender.send(
            Invalidation(.user(user), reason: .logout),
            conninfo: SecretText(stack["RESPONDER_DATABASE_URL"].adding(readOnly)), timeout: .seconds(2))
        #expect(next(listener) == .received(Invalidation(.user(user), reason: .logout)))
    }

    private struct Unexpected: Error {}
}
