import Cryptography
import EventLoop
import HTTPClient
import Resilience
import StreamIssuing

/// HEADs through a breaker, one at a time for each object: a request for an object whose HEAD is under way gets the
/// same outcome.
final class SharedHeads {
    private let loop: EventLoop
    private let client: LoopHTTPClient
    private let timeout: Duration
    /// The tasks that wait for each call under way.
    private var waiting: [Digest256: WaitingTasks<HeadOutcome>] = [:]

    /// - Parameter timeout: for one attempt.
    init(_ loop: EventLoop, _ client: LoopHTTPClient, timeout: Duration) {
        self.loop = loop
        self.client = client
        self.timeout = timeout
    }

    /// - Parameters:
    ///   - deadline: for waiting and all attempts together.
    ///   - abandonment: ends the wait, but not a call that other requests wait for, or that has its connection.
    nonisolated(nonsending) func head(
        _ url: String, of object: Digest256, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment,
        _ breaker: SharedBreaker
    ) async -> HeadOutcome {
        while let tasks = waiting[object] {
            let start = ContinuousClock.now
            guard let outcome = await tasks.value(by: deadline, willWait: abandonment.whenItHappens),
                !abandonment.hasHappened
            else {
                return .gaveUpWaiting(since: start)
            }
            if !outcome.isCutShort { return outcome }
        }
        let tasks = WaitingTasks<HeadOutcome>(loop)
        waiting[object] = tasks
        let outcome = await guardedHead(url, by: deadline, breaker) { giveUp in
            abandonment.whenItHappens { if tasks.count == 0 { giveUp() } }
        }
        waiting[object] = nil
        tasks.resumeAll(outcome)
        return outcome
    }

    private nonisolated(nonsending) func guardedHead(
        _ url: String, by deadline: ContinuousClock.Instant, _ breaker: SharedBreaker,
        willWait: (_ giveUp: @escaping () -> Void) -> Void
    ) async -> HeadOutcome {
        let permit: CircuitBreaker.Permit
        switch breaker.admit() {
        case .refused(let retryAt):
            return .refused(.circuitOpen(.objectStore, retryAfter: ContinuousClock.now.duration(to: retryAt)))
        case .admitted(let admitted): permit = admitted
        }
        let start = ContinuousClock.now
        var attempts = HeadAttempts(timeout: timeout, start: start, deadline: deadline)
        var result: Result<Int, HTTPError>
        repeat {
            result = await head(url, timeout: attempts.next(at: .now), willWait)
        } while attempts.isWorthAnother(result, at: .now)
        let verdict = attempts.verdict(result, at: .now)
        breaker.report(verdict, permit)
        return HeadOutcome(result, start: start, isCutShort: verdict == .abandoned)
    }

    private nonisolated(nonsending) func head(
        _ url: String, timeout: Duration, _ willWait: (_ giveUp: @escaping () -> Void) -> Void
    ) async -> Result<Int, HTTPError> {
        do {
            return .success(try await client.head(url, timeout: timeout, willWait: willWait).status)
        } catch {
            return .failure(error)
        }
    }
}
