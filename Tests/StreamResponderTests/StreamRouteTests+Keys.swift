import StreamIssuing
import TestSupport
import Testing

@testable import FastCGI
@testable import StreamResponder

/// Tokens that name a key which is not known.
extension StreamRouteTests {
    @Test func tokenOfAKeyThatIsFetchedIsAccepted() async {
        let known = services.listener
        services.listener = .failure(.unknownKey)
        services.afterFetch = known
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "200")
        #expect(
            services.calls == [
                "secrets", "verify Bearer good", "key may come", "keys fetched", "secrets", "verify Bearer good",
                Self.issueCall,
            ])
        #expect(services.fetchTimeLeft.map { $0 <= .seconds(1) && $0 > .zero } == true)
        #expect(observer.record.problem == nil)
    }

    /// Each provider's set is fetched by itself.
    @Test func fetchOfAnotherProviderDoesNotEndTheWait() async {
        let known = services.listener
        services.listener = .failure(.unknownKey)
        services.afterFetch = known
        services.fetchesBefore = 2
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "200" && services.calls.filter { $0 == "keys fetched" }.count == 3)
    }

    @Test(arguments: [true, false])
    func tokenWhoseKeyIsStillUnknownIsRefused(endsInTime: Bool) async {
        services.listener = .failure(.unknownKey)
        services.afterFetch = .failure(.unknownKey)
        services.endsInTime = endsInTime
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "401")
        #expect(services.calls.filter { $0 == "keys fetched" }.count == 1)
        #expect(observer.record.problem?.rejection == .unknownKey)
    }

    @Test func withoutAFetchNothingIsAwaited() async {
        services.listener = .failure(.unknownKey)
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "401")
        #expect(services.calls == ["secrets", "verify Bearer good", "key may come"])
    }

    @Test(arguments: TokenRejection.allCases.filter { $0 != .unknownKey })
    func otherRejectionsAwaitNothing(rejection: TokenRejection) async {
        services.listener = .failure(rejection)
        services.afterFetch = .failure(rejection)
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "401")
        #expect(!services.calls.contains("key may come"))
    }

    /// Beyond the limit of requests in hand there is no room to wait, and a token of a new key is no bad token.
    @Test(arguments: [Row("503", true), Row("401", false)])
    func requestBeyondTheLimitIsAskedToComeAgainWhereKeysMayCome(_ row: Row<Bool>) {
        services.listener = .failure(.unknownKey)
        services.afterFetch = row.value ? .failure(.unknownKey) : nil
        let exchange = RecordedExchange()
        _ = route().refuse(beyondLimit: exchange)
        #expect(!services.calls.contains("keys fetched"))
        #expect(String(decoding: exchange.response.bytes, as: UTF8.self).contains("X-Status: \(row.name)"))
    }

    @Test func requestIsAskedToComeAgainWhereTooManyWait() async {
        services.listener = .failure(.unknownKey)
        services.afterFetch = .failure(.unknownKey)
        services.mayAwaitKeys = false
        let (head, _) = await answer(RecordedExchange())
        #expect(status(head) == "503" && !services.calls.contains("keys fetched"))
    }
}
