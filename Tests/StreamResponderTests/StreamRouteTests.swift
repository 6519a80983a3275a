import FastCGI
import Resilience
import StreamIssuing
import TestSupport
import Testing

@testable import FastCGI
@testable import StreamResponder

/// Parse → authenticate → issue → write, without a server.
@Suite struct StreamRouteTests {
    let services = FakeServices()
    let observer = RequestObserver()
    let abandonment = Abandonment()
    let allowances = Locked(AllowanceTracker())
    static let issueCall = "issue \(RecordedExchange.track) to \(FakeServices.user)"
    static let lost = Unavailable(.database, code: "lost", reason: "lost", retryAfterSeconds: 7)

    func route(_ clock: FixedArrivalClock = FixedArrivalClock()) -> StreamRoute {
        StreamRoute(
            services, limits: RequestLimits(requestTimeout: .seconds(5), queueTimeout: .seconds(2)),
            allowances: allowances, clock: clock
        ) { RequestObserver() }
    }

    /// The lines of the answer's head, and its body.
    nonisolated(nonsending) func answer(
        _ exchange: RecordedExchange, _ clock: FixedArrivalClock = FixedArrivalClock()
    ) async -> (head: [Substring], body: Substring) {
        await route(clock).respond(to: exchange, observer, abandonment)
        let lines = String(decoding: exchange.response.bytes, as: UTF8.self).split(
            separator: "\r\n", omittingEmptySubsequences: false)
        return (Array(lines.prefix { !$0.isEmpty }), lines.last ?? "")
    }

    func status(_ head: [Substring]) -> Substring? {
        head.first { $0.hasPrefix("X-Status: ") }?.dropFirst("X-Status: ".count)
    }

    @Test func listenerGetsTheURLInHeaders() async {
        let (head, body) = await answer(RecordedExchange())
        #expect(head[..<3] == ["Status: 204 No Content", "X-Status: 200", "X-User-Id: \(FakeServices.user)"])
        #expect(head.last?.hasPrefix("X-Answer: {") == true && head.last?.contains("https://h/signed") == true)
        #expect(body.isEmpty)
        #expect(services.calls == ["secrets", "verify Bearer good", Self.issueCall])
        #expect(observer.record.status == 200 && observer.record.cameFromCache)
        #expect(
            observer.record.userID == FakeServices.user
                && observer.record.trackID?.description == RecordedExchange.track)
    }

    @Test func waveformIsAskedForByItsPath() async {
        let (head, _) = await answer(RecordedExchange(["DOCUMENT_URI": "/tracks/\(RecordedExchange.track)/waveform"]))
        #expect(status(head) == "200" && observer.record.path?.part == .waveform)
        #expect(services.calls.last == "issue waveform of \(RecordedExchange.track) to \(FakeServices.user)")
    }

    @Test func bothRoutesSpendOneAllowance() async {
        let paths = ["stream", "waveform"].map { "/tracks/\(RecordedExchange.track)/\($0)" }
        var seen: [Substring?] = []
        for path in [paths[0], paths[1], paths[0], paths[1]] {
            let exchange = RecordedExchange(["DOCUMENT_URI": path, "RATE_LIMIT_PER_MINUTE": "1"])
            seen.append(status(await answer(exchange).head))
        }
        // One is counted, and one more passes in doubt: nginx decides about that.
        #expect(seen == ["200", "200", "429", "429"])
    }

    @Test func withoutTheParameterTheAnswerHasABody() async {
        let (head, body) = await answer(RecordedExchange(["ANSWER_IN": nil]))
        #expect(head.contains("Status: 200 OK") && head.contains("Cache-Control: private, no-store"))
        #expect(body.contains("https://h/signed"))
    }

    @Test func answerFreshlySignedIsRecordedAsAMiss() async {
        services.outcome = .success(FakeServices.issued(fromCache: false))
        _ = await answer(RecordedExchange())
        #expect(!observer.record.cameFromCache && observer.record.status == 200)
    }

    // MARK: The order of the checks (contract §2)

    @Test(arguments: ["/", "/tracks//stream", "/tracks/a/b/stream", "/tracks/x/stream/", "/Tracks/x/stream"])
    func otherPathIsNotFoundWithoutACall(path: String) async {
        let (head, _) = await answer(RecordedExchange(["DOCUMENT_URI": path, "REQUEST_METHOD": "GET"]))
        #expect(status(head) == "404")
        #expect(services.calls.isEmpty)
    }

    @Test(arguments: ["GET", "HEAD", "PUT", "post", ""])
    func otherMethodIsRefusedBeforeTheToken(method: String) async {
        let (head, _) = await answer(RecordedExchange(["REQUEST_METHOD": method]))
        #expect(status(head) == "405")
        #expect(services.calls.isEmpty)
    }

    @Test(arguments: [Row("200", 16_384), Row("413", 16_385)])
    func bodyBeyondTheLimitIsRefusedBeforeTheToken(_ row: Row<Int>) async {
        let exchange = RecordedExchange()
        exchange.bodyLength = row.value
        let (head, _) = await answer(exchange)
        #expect(status(head) == Substring(row.name))
        #expect(services.calls.isEmpty == (row.value > 16_384))
    }

    @Test func refusedTokenIs401AndNamesNoUser() async {
        services.listener = .failure(.badSignature)
        let (head, _) = await answer(RecordedExchange(["DOCUMENT_URI": "/tracks/not-a-ulid/stream"]))
        #expect(status(head) == "401")
        #expect(head.contains { $0.hasPrefix("X-Challenge: ") && $0.contains("invalid_token") })
        #expect(!head.contains { $0.hasPrefix("X-User-Id") })
        #expect(services.calls == ["secrets", "verify Bearer good"])
        #expect(observer.record.wasTurnedAway && observer.record.userID == nil)
        #expect(allowances.withLock { $0.count } == 0)
    }

    @Test func missingTokenIsChallengedWithoutAnError() async {
        services.listener = .failure(.missing)
        let (head, _) = await answer(RecordedExchange(["HTTP_AUTHORIZATION": nil]))
        #expect(status(head) == "401" && head.contains(#"X-Challenge: Bearer realm="novatune""#))
        #expect(services.calls == ["secrets", "verify nothing"])
    }

    @Test func userWithoutTheRoleIsForbiddenAndSpendsNothing() async {
        services.listener = .success(
            Listener(user: .id(FakeServices.user), holdsListenerRole: false, tokenIssuedAt: nil))
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "403" && !head.contains { $0.hasPrefix("X-User-Id") })
        #expect(observer.record.userID == FakeServices.user)
        #expect(allowances.withLock { $0.count } == 0)
    }

    @Test(arguments: ["01HXK5Z8J3QW9R7N2M4P6T8V0", "81HXK5Z8J3QW9R7N2M4P6T8V0C", "not-a-ulid"])
    func trackThatIsNoULIDIsRefusedAfterTheToken(text: String) async {
        let (head, _) = await answer(RecordedExchange(["DOCUMENT_URI": "/tracks/\(text)/stream"]))
        #expect(status(head) == "400" && head.contains("X-User-Id: \(FakeServices.user)"))
        #expect(services.calls == ["secrets", "verify Bearer good"])
    }

    // MARK: Rate limit

    @Test func userClearlyOverTheLimitIsRefusedWithoutACall() async {
        let limit = RecordedExchange(["RATE_LIMIT_PER_MINUTE": "1"])
        for _ in 0..<2 { _ = await answer(limit) }
        let before = services.calls.filter { $0.hasPrefix("issue") }.count
        let (head, _) = await answer(limit)
        #expect(status(head) == "429" && head.contains { $0.hasPrefix("X-Retry-After: ") })
        #expect(services.calls.filter { $0.hasPrefix("issue") }.count == before)
        #expect(observer.record.wasTurnedAway)
    }

    @Test(arguments: [nil, "", "0", "-1", "x", "100001", "99999999999999999999"] as [String?])
    func absentOrInvalidLimitAdmitsEveryRequest(_ limit: String?) async {
        for _ in 0..<5 {
            let (head, _) = await answer(RecordedExchange(["RATE_LIMIT_PER_MINUTE": limit]))
            #expect(status(head) == "200")
        }
        #expect(allowances.withLock { $0.count } == 0)
    }

    /// nginx does not count it either, because the answer names no user.
    @Test func tokenRefusedByTheDatabaseSpendsNoAllowance() async {
        services.outcome = .failure(.unauthorized(.sessionEnded))
        for _ in 0..<5 {
            let (head, _) = await answer(RecordedExchange(["RATE_LIMIT_PER_MINUTE": "1"]))
            #expect(status(head) == "401" && !head.contains { $0.hasPrefix("X-User-Id") })
        }
    }

    // MARK: Deadlines

    @Test func requestThatWaitedTooLongIsRefusedWithoutACall() async {
        let (head, _) = await answer(RecordedExchange(), FixedArrivalClock(milliseconds: 1_767_875_402_501))
        #expect(status(head) == "503" && head.contains("X-Retry-After: 1"))
        #expect(services.calls.isEmpty)
        #expect(observer.record.duration >= .milliseconds(2001))
    }

    /// The other host's clock is 3 s behind.
    @Test func anotherHostsClockMakesNoRequestLate() async throws {
        let exchange = RecordedExchange()
        exchange.isFromThisHost = false
        let (head, _) = await answer(exchange, FixedArrivalClock(milliseconds: 1_767_875_403_500))
        #expect(status(head) == "200")
        #expect(try #require(services.timeLeft) > .seconds(4) && observer.record.duration < .seconds(1))
    }

    @Test func waitOfAnotherHostsRequestCountsFromItsArrivalHere() async {
        let exchange = RecordedExchange()
        exchange.isFromThisHost = false
        exchange.arrivedAt = .now.advanced(by: .milliseconds(-2001))
        let (head, _) = await answer(exchange)
        #expect(status(head) == "503" && services.calls.isEmpty)
        #expect(observer.record.duration >= .milliseconds(2001))
    }

    @Test func timeThatARequestWaitedIsPartOfItsDeadline() async throws {
        _ = await answer(RecordedExchange(), FixedArrivalClock(milliseconds: 1_767_875_402_000))
        let left = try #require(services.timeLeft)
        #expect(left <= .milliseconds(3500) && left > .zero)
    }

    // MARK: More requests in hand than may be

    private func refusal(of exchange: RecordedExchange, isForWantOfRoom: Bool) -> [Substring] {
        #expect(route().refuse(beyondLimit: exchange) == isForWantOfRoom)
        return String(decoding: exchange.response.bytes, as: UTF8.self).split(separator: "\r\n")
    }

    @Test func requestBeyondTheLimitIs503WithRetryAfter() {
        let head = refusal(of: RecordedExchange(), isForWantOfRoom: true)
        #expect(
            status(head) == "503" && head.contains("X-Retry-After: 1")
                && head.contains("X-User-Id: \(FakeServices.user)"))
        #expect(services.calls == ["secrets", "verify Bearer good"])
    }

    @Test func invalidTokenBeyondTheLimitIs401() {
        services.listener = .failure(.expired)
        #expect(status(refusal(of: RecordedExchange(), isForWantOfRoom: false)) == "401")
    }

    // MARK: Failures

    @Test func failedDependencyIs503WithRetryAfter() async {
        services.outcome = .failure(.serviceUnavailable(Self.lost))
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "503" && head.contains("X-Retry-After: 7"))
        #expect(!String(describing: head).contains("lost"))
        #expect(observer.record.problem?.cause == Self.lost)
    }

    @Test func disconnectedClientIsRecordedForEveryOutcome() async {
        let exchange = RecordedExchange()
        exchange.abandon()
        _ = await answer(exchange)
        #expect(services.wasAbandoned)
        #expect(
            observer.record.status == 499 && observer.record.problem == .clientGone && !observer.record.cameFromCache)
    }

    @Test func disconnectedClientDoesNotAffectTheNextRequest() async {
        let exchange = RecordedExchange()
        exchange.abandon()
        _ = await answer(exchange)
        _ = await answer(RecordedExchange())
        #expect(!services.wasAbandoned && observer.record.status == 200)
    }

    @Test func problemNamesThePathWithoutItsQuery() async {
        services.outcome = .failure(.trackNotFound)
        let (head, _) = await answer(RecordedExchange())
        #expect(head.last?.contains(#""instance":"/tracks/\#(RecordedExchange.track)/stream""#) == true)
    }

    @Test func reusedObserverKeepsNothingOfTheEarlierRequest() async {
        services.outcome = .failure(.serviceUnavailable(Self.lost))
        _ = await answer(RecordedExchange())
        services.listener = .failure(.missing)
        _ = await answer(RecordedExchange(["CORRELATION_ID": "c-2", "DOCUMENT_URI": "/tracks/x/stream"]))
        let record = observer.record
        #expect(record.correlationID == "c-2" && record.userID == nil && record.trackID == nil && record.spender == nil)
        #expect(record.problem?.kind == .unauthorized)
    }
}
