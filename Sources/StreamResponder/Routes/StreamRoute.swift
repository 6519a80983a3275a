import BearerTokens
public import FastCGI
import RequestTraces
public import Resilience
public import StreamIssuing

/// `POST /tracks/{trackId}/stream`, on one event loop: parse → authenticate → issue → write.
public final class StreamRoute: ExchangeHandler, @unchecked Sendable {
    private static let bodyLimit = 16 * 1024

    private let services: any StreamServices
    private let limits: RequestLimits
    private let allowances: Locked<AllowanceTracker>
    private let clock: any ArrivalClock
    private let makeObserver: () -> RequestObserver
    /// For requests that are refused without a task of their own.
    private lazy var refusals = makeObserver()
    private var text = JSONText()

    /// - Parameters:
    ///   - allowances: each user's recent requests, shared by all loops.
    ///   - makeObserver: called once for each request in hand.
    public init(
        _ services: any StreamServices, limits: RequestLimits, allowances: Locked<AllowanceTracker>, clock: any ArrivalClock,
        makeObserver: @escaping () -> RequestObserver
    ) {
        self.services = services
        self.limits = limits
        self.allowances = allowances
        self.clock = clock
        self.makeObserver = makeObserver
    }

    public nonisolated(nonsending) func serve(_ exchanges: ExchangeSource) async {
        let observer = makeObserver()
        // Bound for all requests of the task, so that the log lines of their calls have their ids.
        await RequestObserver.$current.withValue(observer) {
            while let exchange = await exchanges.next() { await respond(to: exchange, observer) }
        }
    }

    nonisolated(nonsending) func respond(to exchange: some Exchange, _ observer: RequestObserver) async {
        let waited = begin(observer, exchange)
        let start = ContinuousClock.now
        let deadline = start.advanced(by: limits.requestTimeout - waited)
        let outcome: Result<IssuedURL, Problem>
        do throws(Problem) {
            let (listener, track, isCounted) = try admit(exchange, observer, waited)
            outcome = await issue(track, to: listener, isCounted, by: deadline, observer)
        } catch {
            outcome = .failure(error)
        }
        write(outcome, observer.record, to: exchange)
        observer.record.duration = start.duration(to: .now) + RequestLimits.counted(waited)
        end(observer, exchange)
    }

    public func refuse(_ exchange: FastCGIExchange) -> Bool { refuse(beyondLimit: exchange) }

    /// Whatever needs no dependency is decided all the same: a bad token gets its 401, and the rate limit still applies. Only a request
    /// that waited too long for its turn is refused before that, because the queue behind it is long.
    func refuse(beyondLimit exchange: some Exchange) -> Bool {
        let waited = begin(refusals, exchange)
        let problem: Problem
        do throws(Problem) {
            _ = try admit(exchange, refusals, waited)
            problem = .overloaded
        } catch {
            problem = error
        }
        write(.failure(problem), refusals.record, to: exchange)
        refusals.record.duration = RequestLimits.counted(waited)
        end(refusals, exchange)
        return problem.kind == .serviceUnavailable
    }

    /// - Returns: how long the request has been under way.
    private func begin(_ observer: RequestObserver, _ exchange: some Exchange) -> Duration {
        let waited = RequestLimits.waited(since: exchange.parameter("RECEIVED_AT"), now: clock.milliseconds)
        observer.begin(
            correlationID: exchange.parameter("CORRELATION_ID") ?? "",
            continuing: exchange.parameter("HTTP_TRACEPARENT").flatMap { TraceParent($0) }, waited: RequestLimits.counted(waited))
        return waited
    }

    private func end(_ observer: RequestObserver, _ exchange: some Exchange) {
        observer.end(isOfStreamRoute: StreamPath.trackText(exchange.parameter("DOCUMENT_URI")) != nil)
    }

    /// The checks that need no dependency, in the order of the contract. The caller is checked before what it asks for, so that a
    /// stranger learns nothing.
    private func admit(
        _ exchange: some Exchange, _ observer: RequestObserver, _ waited: Duration
    ) throws(Problem) -> (Listener, ULID, isCounted: Bool) {
        let record = observer.record
        guard waited <= limits.queueTimeout else { throw .overloaded }
        guard let trackText = StreamPath.trackText(exchange.parameter("DOCUMENT_URI")) else { throw .notFound }
        guard exchange.parameter("REQUEST_METHOD") == "POST" else { throw .methodNotAllowed }
        guard exchange.bodyLength <= Self.bodyLimit else { throw .contentTooLarge }
        record.trackID = ULID(trackText)
        let listener = try authenticate(exchange.parameter("HTTP_AUTHORIZATION"), observer)
        record.spender = listener.userID
        let isCounted = try spendAllowance(of: listener.userID, exchange, record)
        guard let track = record.trackID else { throw .invalidTrackID }
        return (listener, track, isCounted)
    }

    /// A listener with the role `listener`, or the problem to answer with.
    private func authenticate(_ authorization: String?, _ observer: RequestObserver) throws(Problem) -> Listener {
        services.takeCurrentSecrets()
        do throws(Problem) {
            let listener: Listener
            do throws(TokenRejection) {
                listener = try services.verify(authorization: authorization)
            } catch {
                throw .unauthorized(error == .missing ? .noToken : .invalidToken)
            }
            observer.record.userID = listener.userID
            guard listener.holdsListenerRole else { throw .forbidden }
            observer.acceptedToken()
            return listener
        } catch {
            observer.refusedToken(error)
            observer.record.wasTurnedAway = true
            throw error
        }
    }

    /// nginx limits users, after the answer. Where it will clearly refuse this request, the responder does no work for it.
    /// - Returns: whether the request was counted; nginx sends the limit, another caller sends none.
    private func spendAllowance(of user: ULID, _ exchange: some Exchange, _ record: RequestRecord) throws(Problem) -> Bool {
        guard let perMinute = exchange.parameter("RATE_LIMIT_PER_MINUTE").flatMap(Int64.init), let limit = RateLimit(perMinute: perMinute)
        else { return false }
        let now = clock.steadyMilliseconds
        switch allowances.withLock({ $0.admit(user, limit, at: now) }) {
        case .counted: return true
        case .doubtful: return false
        case .refused:
            record.wasTurnedAway = true
            throw .rateLimitExceeded(limit)
        }
    }

    private nonisolated(nonsending) func issue(
        _ track: ULID, to listener: Listener, _ isCounted: Bool, by deadline: ContinuousClock.Instant, _ observer: RequestObserver
    ) async -> Result<IssuedURL, Problem> {
        do throws(Problem) {
            let issued = try await services.issue(track, to: listener, by: deadline, observer)
            observer.issued(issued, track)
            return .success(issued)
        } catch {
            if let cause = error.cause { observer.failed(cause, track) }
            // nginx does not count it either.
            if isCounted, error.kind == .unauthorized { allowances.withLock { $0.forgive(listener.userID) } }
            return .failure(error)
        }
    }

    private func write(_ outcome: Result<IssuedURL, Problem>, _ record: RequestRecord, to exchange: some Exchange) {
        let isInHeaders = HeaderAnswer.isWanted(by: exchange)
        switch outcome {
        case .success(let issued):
            record.cameFromCache = issued.cameFromCache
            guard isInHeaders else { return exchange.response.answer(issued.streamURL, using: &text) }
            text.removeAll()
            text.append(issued.streamURL)
            HeaderAnswer(problem: nil, userID: record.spender).write(text, to: &exchange.response)
        case .failure(let problem):
            record.problem = problem
            let instance = exchange.instance
            guard isInHeaders else { return exchange.response.answer(problem, instance: instance, using: &text) }
            text.removeAll()
            text.append(problem, instance: instance)
            HeaderAnswer(problem: problem, userID: record.spender).write(text, to: &exchange.response)
        }
    }
}
