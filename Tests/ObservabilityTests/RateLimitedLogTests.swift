import Logging
@testable import Observability
import TestSupport
import Testing

@Suite struct RateLimitedLogTests {
    private static let limit = 200
    private let log: CapturedLog
    private let clock = ManualClock()
    private let repeated: RateLimitedLog

    init() throws {
        log = try CapturedLog()
        let clock = clock
        repeated = RateLimitedLog(log.logger, maximumKinds: Self.limit, now: { clock.now })
    }

    private func occur(_ kind: String = "k", times: Int = 1) {
        for _ in 0..<times { repeated.log(.warning, "failed", kind: kind, ["kind": "\(kind)"]) }
    }

    @Test func firstOccurrenceIsLoggedImmediatelyWithoutACount() throws {
        occur()
        let line = try #require(try log.lines().first)
        #expect(
            line["event"] == "failed" && line["kind"] == "k" && line["level"] == "warning"
                && line["occurrences_since_last"] == nil)
    }

    @Test func repetitionsWithinTheIntervalAreCountedNotLogged() throws {
        occur(times: 100)
        clock.advance(by: .milliseconds(999))
        occur()
        #expect(try log.lines().count == 1)
        clock.advance(by: .milliseconds(1))
        occur()
        #expect(try log.lines().count == 2)
        #expect(try log.lines().last?["occurrences_since_last"] == "100")
    }

    @Test func countRestartsWithEachLine() throws {
        occur(times: 3)
        clock.advance(by: .seconds(1))
        occur(times: 2)
        clock.advance(by: .seconds(1))
        occur()
        clock.advance(by: .seconds(1))
        occur()
        #expect(try log.lines().map { $0["occurrences_since_last"] } == [nil, "2", "1", nil])
    }

    @Test func kindsAreCountedSeparately() throws {
        occur("a", times: 5)
        occur("b", times: 5)
        #expect(try log.lines().map { $0["kind"] } == ["a", "b"])
    }

    @Test func neverRemembersMoreKindsThanItsLimit() {
        for number in 0..<3 * Self.limit {
            occur("\(number)")
            if number % 100 == 0 { clock.advance(by: .milliseconds(300)) }
            #expect(repeated.kindCount <= Self.limit + 1)
        }
        #expect(repeated.kindCount > 0)
    }

    @Test func kindsBeyondTheLimitAreCountedAsOne() throws {
        let limit = Self.limit
        for number in 0..<3 * limit { occur("\(number)") }
        #expect(try log.lines().count == limit + 1)
        clock.advance(by: .seconds(1))
        repeated.flushSuppressed()
        #expect(try log.lines().count == limit + 2)
        #expect(try log.lines().last?["occurrences_since_last"] == "\(2 * limit - 2)")
        occur("new")
        #expect(try log.lines().last?["kind"] == "new")
    }

    @Test func flushLogsSuppressedOccurrences() throws {
        occur(times: 4)
        repeated.flushSuppressed()
        #expect(try log.lines().count == 1)
        clock.advance(by: .seconds(1))
        repeated.flushSuppressed()
        // This line and two more.
        #expect(try log.lines().count == 2)
        #expect(try log.lines().last?["occurrences_since_last"] == "2")
        clock.advance(by: .seconds(1))
        repeated.flushSuppressed()
        occur()
        #expect(try log.lines().map { $0["occurrences_since_last"] } == [nil, "2", nil])
    }
}
