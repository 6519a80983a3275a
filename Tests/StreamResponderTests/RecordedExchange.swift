import EventLoop
import FastCGI
import StreamIssuing

@testable import StreamResponder

/// A request as nginx sends it, without a connection.
final class RecordedExchange: Exchange {
    static let track = "01HXK5Z8J3QW9R7N2M4P6T8V0C"
    static let receivedAt = "1767875400.500"

    var parameters: [String: String]
    var bodyLength = 0
    var isFromThisHost = true
    var arrivedAt = ContinuousClock.now
    var response = FastCGIResponse()

    /// - Parameter changes: nil leaves a parameter out.
    init(_ changes: [String: String?] = [:]) {
        parameters = [
            "DOCUMENT_URI": "/tracks/\(Self.track)/stream", "REQUEST_URI": "/tracks/\(Self.track)/stream?x=1",
            "REQUEST_METHOD": "POST",
            "HTTP_AUTHORIZATION": "Bearer good", "CORRELATION_ID": "c-1", "RECEIVED_AT": Self.receivedAt,
            "ANSWER_IN": "headers",
            "RATE_LIMIT_PER_MINUTE": "60",
        ]
        for (name, value) in changes { parameters[name] = value }
    }

    private(set) var isAbandoned = false
    private var reaction: () -> Void = {}

    func abandon() {
        isAbandoned = true
        reaction()
    }

    func whenAbandoned(_ react: @escaping () -> Void) {
        reaction = react
        if isAbandoned { react() }
    }

    func parameter(_ name: StaticString) -> String? { parameters["\(name)"] }
}

/// A world that answers as a test says, and remembers what it was asked.
final class FakeServices: StreamServices {
    static let user = ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")!

    var listener: Result<Listener, TokenRejection> = .success(
        Listener(user: .id(user), holdsListenerRole: true, tokenIssuedAt: nil))
    var outcome: Result<IssuedURL, Problem> = .success(issued(fromCache: true))
    /// Where there are some, the observer sees them as the database's answer.
    var facts: AccessFacts?
    /// Where there is one, `issue` waits for it.
    var gate: Promise<Void>?
    private(set) var calls: [String] = []
    private(set) var timeLeft: Duration?
    /// At the end of the last call.
    private(set) var wasAbandoned = false

    static func issued(fromCache: Bool) -> IssuedURL {
        IssuedURL(
            streamURL: StreamURL(
                url: "https://h/signed", expiresAt: UnixTime(seconds: 1_767_875_500), contentType: "audio/mpeg",
                fileSizeInBytes: 9),
            cameFromCache: fromCache)
    }

    func takeCurrentSecrets() { calls.append("secrets") }

    func verify(authorization: String?) throws(TokenRejection) -> Listener {
        calls.append("verify \(authorization ?? "nothing")")
        return try listener.get()
    }

    /// What is found after keys were fetched; nil where none are fetched.
    var afterFetch: Result<Listener, TokenRejection>?
    /// Fetches that end before one brings it.
    var fetchesBefore = 0
    /// Whether a fetch ends in time.
    var endsInTime = true
    private(set) var fetchTimeLeft: Duration?

    var mayAwaitKeys = true

    func keyMayCome() -> Bool {
        calls.append("key may come")
        return afterFetch != nil
    }

    nonisolated(nonsending) func keysFetched(
        by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> Bool {
        calls.append("keys fetched")
        fetchTimeLeft = ContinuousClock.now.duration(to: deadline)
        guard endsInTime else { return false }
        guard fetchesBefore == 0 else {
            fetchesBefore -= 1
            return true
        }
        if let found = afterFetch { (listener, afterFetch) = (found, nil) }
        return true
    }

    nonisolated(nonsending) func issue(
        _ track: ULID, _ part: TrackPart, to listener: Listener, by deadline: ContinuousClock.Instant,
        unless abandonment: Abandonment, _ observer: RequestObserver
    ) async throws(Problem) -> IssuedURL {
        let wanted = part == .audio ? "\(track)" : "\(part) of \(track)"
        calls.append("issue \(wanted) to \(listener.user.userID.map(\.description) ?? "an identity")")
        if let facts { observer.asked(CallOutcome(.success(facts), began: .now, ended: .now)) }
        timeLeft = ContinuousClock.now.duration(to: deadline)
        await gate?.value()
        wasAbandoned = abandonment.hasHappened
        return try outcome.get()
    }
}

struct FixedArrivalClock: ArrivalClock {
    /// Of `RecordedExchange.receivedAt`, and some more.
    var milliseconds: Int64 = 1_767_875_400_500
    var steadyMilliseconds: Int64 = 1000
}
