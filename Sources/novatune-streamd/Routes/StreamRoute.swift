import BearerTokens
import FastCGI
import RequestTraces
import Resilience
import StreamIssuing

/// `POST /tracks/{trackId}/stream`, on one event loop: parse → authenticate → issue → write.
final class StreamRoute: ExchangeHandler, @unchecked Sendable {
    private static let bodyLimit = 16 * 1024

    private let resources: Resources
    private let services: LoopServices
    private var edition: Int
    private var verifier: TokenVerifier
    private var issuer: LoopServices.Issuer
    private let limits: RequestLimits
    private var observers: [RequestObserver] = []
    private var text = JSONText()

    init(_ resources: Resources, _ services: LoopServices) {
        self.resources = resources
        self.services = services
        let edition = resources.secrets.value
        self.edition = edition.number
        verifier = resources.makeTokenVerifier(edition)
        issuer = services.makeIssuer(resources.makePolicy(edition), resources.clock)
        limits = resources.limits
    }

    nonisolated(nonsending) func respond(to exchange: FastCGIExchange) async {
        if !resources.secrets.isCurrent(edition) { takeCurrentSecrets() }
        let observer = observers.popLast() ?? resources.makeObserver()
        let waited = begin(observer, exchange)
        let start = ContinuousClock.now
        let outcome = await outcome(of: exchange, observer, by: start.advanced(by: limits.requestTimeout - waited), waited)
        answer(exchange, observer, outcome)
        observer.request.duration = start.duration(to: .now) + RequestLimits.counted(waited)
        end(observer, exchange)
    }

    func refuse(_ exchange: FastCGIExchange) {
        let observer = observers.popLast() ?? resources.makeObserver()
        let waited = begin(observer, exchange)
        answer(exchange, observer, .failure(.overloaded))
        observer.request.duration = RequestLimits.counted(waited)
        end(observer, exchange)
    }

    /// - Returns: how long the request has been under way.
    private func begin(_ observer: RequestObserver, _ exchange: FastCGIExchange) -> Duration {
        let waited = RequestLimits.waited(since: exchange.parameter("RECEIVED_AT"), now: SystemClock.milliseconds)
        observer.begin(
            correlationID: exchange.parameter("CORRELATION_ID") ?? "",
            continuing: exchange.parameter("HTTP_TRACEPARENT").flatMap { TraceParent($0) }, waited: RequestLimits.counted(waited))
        return waited
    }

    private func end(_ observer: RequestObserver, _ exchange: FastCGIExchange) {
        observer.end(isOfStreamRoute: StreamPath.trackText(exchange.parameter("DOCUMENT_URI")) != nil)
        observers.append(observer)
    }

    private func answer(
        _ exchange: FastCGIExchange, _ observer: RequestObserver, _ outcome: Result<LoopServices.Issuer.Issued, Problem>
    ) {
        let request = observer.request
        let isInHeaders = HeaderAnswer.isWanted(by: exchange)
        switch outcome {
        case .success(let issued):
            request.cameFromCache = issued.cameFromCache
            guard isInHeaders else { return exchange.response.answer(issued.streamURL, using: &text) }
            text.removeAll()
            text.append(issued.streamURL)
            HeaderAnswer(problem: nil, userID: request.spender).write(text, to: &exchange.response)
        case .failure(let problem):
            request.problem = problem
            guard isInHeaders else { return exchange.response.answer(problem, instance: exchange.instance, using: &text) }
            text.removeAll()
            text.append(problem, instance: exchange.instance)
            HeaderAnswer(problem: problem, userID: request.spender).write(text, to: &exchange.response)
        }
    }

    private func takeCurrentSecrets() {
        let current = resources.secrets.value
        edition = current.number
        verifier = resources.makeTokenVerifier(current)
        services.take(current, resources)
        issuer.policy = resources.makePolicy(current)
    }

    private nonisolated(nonsending) func outcome(
        of exchange: FastCGIExchange, _ observer: RequestObserver, by deadline: ContinuousClock.Instant, _ waited: Duration
    ) async -> Result<LoopServices.Issuer.Issued, Problem> {
        do throws(Problem) {
            let (listener, trackID, isCounted) = try admit(exchange, observer.request, waited)
            let outcome = await issue(trackID, to: listener, by: deadline, observer)
            switch outcome {
            case .success(let issued):
                observer.events.issued(track: trackID, cameFromCache: issued.cameFromCache, expiresAt: issued.streamURL.expiresAt)
            case .failure(let problem):
                if let cause = problem.cause { observer.events.failed(cause, track: trackID) }
                // nginx does not count it either.
                if isCounted, problem.kind == .unauthorized { resources.allowances.withLock { $0.forgive(listener.userID) } }
            }
            return outcome
        } catch {
            return .failure(error)
        }
    }

    /// What can be decided without a dependency, in the order of the contract. Who may ask comes before what is asked, so that a stranger
    /// learns nothing.
    private func admit(
        _ exchange: FastCGIExchange, _ request: AnsweredRequest, _ waited: Duration
    ) throws(Problem) -> (Listener, ULID, isCounted: Bool) {
        guard waited <= limits.queueTimeout else { throw .overloaded }
        guard let trackText = StreamPath.trackText(exchange.parameter("DOCUMENT_URI")) else { throw .notFound }
        guard exchange.parameter("REQUEST_METHOD") == "POST" else { throw .methodNotAllowed }
        guard exchange.bodyLength <= Self.bodyLimit else { throw .contentTooLarge }
        request.trackID = ULID(trackText)
        let listener = try checkToken(exchange, request)
        request.spender = listener.userID
        let isCounted = try spendAllowance(of: listener.userID, exchange, request)
        guard let trackID = request.trackID else { throw .invalidTrackID }
        return (listener, trackID, isCounted)
    }

    private func checkToken(_ exchange: FastCGIExchange, _ request: AnsweredRequest) throws(Problem) -> Listener {
        let tokens = resources.telemetry.tokens
        do {
            let listener = try verifier.listener(exchange.parameter("HTTP_AUTHORIZATION")) { request.userID = $0.userID }
            tokens.acceptedToken()
            return listener
        } catch {
            tokens.refusedToken(error)
            request.wasTurnedAway = true
            throw error
        }
    }

    /// nginx limits users, after the answer; that it will refuse this one can be so clear that there is no need to work for it.
    /// - Returns: whether the request was counted; nginx says how many are allowed, and another caller says nothing.
    private func spendAllowance(
        of user: ULID, _ exchange: FastCGIExchange, _ request: AnsweredRequest
    ) throws(Problem) -> Bool {
        guard let perMinute = exchange.parameter("RATE_LIMIT_PER_MINUTE").flatMap(Int64.init), let limit = RateLimit(perMinute: perMinute)
        else { return false }
        let now = SystemClock.steadyMilliseconds
        switch resources.allowances.withLock({ $0.admit(user, limit, at: now) }) {
        case .counted: return true
        case .doubtful: return false
        case .refused:
            request.wasTurnedAway = true
            throw .rateLimitExceeded(limit)
        }
    }

    /// As part of the request's own task, so that what its calls bring about is logged with its ids.
    private nonisolated(nonsending) func issue(
        _ trackID: ULID, to listener: Listener, by deadline: ContinuousClock.Instant, _ observer: RequestObserver
    ) async -> Result<LoopServices.Issuer.Issued, Problem> {
        let issuer = issuer
        return await RequestObserver.$current.withValue(observer) {
            do throws(Problem) {
                return .success(try await issuer.issue(trackID, to: listener, by: deadline, observer))
            } catch {
                return .failure(error)
            }
        }
    }
}

extension TokenVerifier {
    /// A listener with the role `listener`, or the problem to answer with.
    /// - Parameter verified: called with who it is as soon as that is known, also where the role is missing.
    func listener(_ authorization: String?, verified: (Listener) -> Void = { _ in }) throws(Problem) -> Listener {
        let listener: Listener
        do {
            listener = try verify(authorization: authorization)
        } catch {
            throw .unauthorized(error == .missing ? .noToken : .invalidToken)
        }
        verified(listener)
        guard listener.holdsListenerRole else { throw .forbidden }
        return listener
    }
}
