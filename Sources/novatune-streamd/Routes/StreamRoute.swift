import BearerTokens
import FastCGI
import RequestTraces
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing
import Tracing

/// `POST /tracks/{trackId}/stream`: what a worker of the stream socket does.
final class StreamRoute: RequestHandler {
    private static let bodyLimit = 16 * 1024

    private let resources: Resources
    private var edition: Int
    private var verifier: TokenVerifier
    private let cache: SealedStreamURLCache
    private let objects: S3ObjectStore
    private var issuer: Resources.Issuer
    private let events: RequestEvents
    /// The one that is being answered, or was last.
    private let answered: AnsweredRequest
    private let limits: RequestLimits
    /// Whose allowance the request spends: nil until its token is good and has the role.
    private var spender: ULID?
    private var text = JSONText()

    init(_ resources: Resources) {
        self.resources = resources
        let edition = resources.secrets.value
        self.edition = edition.number
        verifier = resources.makeTokenVerifier(edition)
        events = RequestEvents(resources.telemetry)
        answered = events.request
        cache = resources.makeCache(edition, events)
        objects = resources.makeObjectStore(edition, breaker: resources.breaker(.objectStore, events))
        let tracks = resources.makeTrackStore(breaker: resources.breaker(.database, events))
        issuer = resources.makeIssuer(tracks, cache, objects, edition)
        limits = resources.limits
    }

    func respond(to request: borrowing FastCGIRequest, with response: inout FastCGIResponse) {
        if !resources.secrets.isCurrent(edition) { takeCurrentSecrets() }
        spender = nil
        let parent = request.parameter("HTTP_TRACEPARENT").flatMap { TraceParent($0) }
        let correlationID = request.parameter("CORRELATION_ID") ?? ""
        let waited = RequestLimits.waited(since: request.parameter("RECEIVED_AT"), now: SystemClock.milliseconds)
        let tracer = resources.traces?.tracer
        guard
            let span = tracer?.root(.getURL, continuing: parent, correlationID: correlationID, begun: RequestLimits.counted(waited))
        else {
            answered.begin(correlationID: correlationID, traceID: parent?.traceID.description)
            return answer(request, with: &response, waited)
        }
        answered.begin(correlationID: correlationID, traceID: span.traceID?.description)
        ServiceContext.$current.withValue(span.context) { answer(request, with: &response, waited) }
        answered.describe(in: span, isOfStreamRoute: StreamPath.trackText(request.parameter("DOCUMENT_URI")) != nil)
        span.end()
    }

    private func answer(_ request: borrowing FastCGIRequest, with response: inout FastCGIResponse, _ waited: Duration) {
        let start = ContinuousClock.now
        do {
            let issued = try issue(request, by: start.advanced(by: limits.requestTimeout - waited), waited)
            answered.cameFromCache = issued.cameFromCache
            write(issued.streamURL, HeaderAnswer.isWanted(by: request), to: &response)
        } catch {
            answered.problem = error
            write(error, request, to: &response)
        }
        answered.duration = start.duration(to: .now) + RequestLimits.counted(waited)
        events.answered()
    }

    private func write(_ stream: StreamURL, _ inHeaders: Bool, to response: inout FastCGIResponse) {
        guard inHeaders else { return response.answer(stream, using: &text) }
        text.removeAll()
        text.append(stream)
        HeaderAnswer(problem: nil, userID: spender).write(text, to: &response)
    }

    private func write(_ problem: Problem, _ request: borrowing FastCGIRequest, to response: inout FastCGIResponse) {
        guard HeaderAnswer.isWanted(by: request) else { return response.answer(problem, instance: request.instance, using: &text) }
        text.removeAll()
        text.append(problem, instance: request.instance)
        HeaderAnswer(problem: problem, userID: spender).write(text, to: &response)
    }

    private func takeCurrentSecrets() {
        let current = resources.secrets.value
        edition = current.number
        verifier = resources.makeTokenVerifier(current)
        cache.sealer = resources.makeSealer(current)
        objects.credentials = current.secrets.storeCredentials
        issuer.policy = resources.makePolicy(current)
    }

    /// In the order of the contract. Who may ask comes before what is asked, so that a stranger learns nothing.
    private func issue(
        _ request: borrowing FastCGIRequest, by deadline: ContinuousClock.Instant, _ waited: Duration
    ) throws(Problem) -> Resources.Issuer.Issued {
        guard waited <= limits.queueTimeout else { throw .overloaded }
        guard let trackText = StreamPath.trackText(request.parameter("DOCUMENT_URI")) else { throw .notFound }
        guard request.parameter("REQUEST_METHOD") == "POST" else { throw .methodNotAllowed }
        guard request.bodyLength <= Self.bodyLimit else { throw .contentTooLarge }
        answered.trackID = ULID(trackText)
        let listener = try checkToken(request)
        spender = listener.userID
        let isCounted = try spendAllowance(of: listener.userID, request)
        guard let trackID = answered.trackID else { throw .invalidTrackID }
        do {
            let issued = try issuer.issue(trackID, to: listener, by: deadline)
            events.issued(track: trackID, cameFromCache: issued.cameFromCache, expiresAt: issued.streamURL.expiresAt)
            return issued
        } catch {
            if let cause = error.cause { events.failed(cause, track: trackID) }
            // nginx does not count it either.
            if isCounted, error.kind == .unauthorized { resources.allowances.withLock { $0.forgive(listener.userID) } }
            throw error
        }
    }

    private func checkToken(_ request: borrowing FastCGIRequest) throws(Problem) -> Listener {
        let tokens = resources.telemetry.tokens
        do {
            let listener = try verifier.listener(request.parameter("HTTP_AUTHORIZATION")) { answered.userID = $0.userID }
            tokens.acceptedToken()
            return listener
        } catch {
            tokens.refusedToken(error)
            answered.wasTurnedAway = true
            throw error
        }
    }

    /// nginx limits users, after the answer; that it will refuse this one can be so clear that there is no need to work for it.
    /// - Returns: whether the request was counted; nginx says how many are allowed, and another caller says nothing.
    private func spendAllowance(of user: ULID, _ request: borrowing FastCGIRequest) throws(Problem) -> Bool {
        guard let perMinute = request.parameter("RATE_LIMIT_PER_MINUTE").flatMap(Int64.init), let limit = RateLimit(perMinute: perMinute)
        else { return false }
        let now = SystemClock.steadyMilliseconds
        switch resources.allowances.withLock({ $0.admit(user, limit, at: now) }) {
        case .counted: return true
        case .doubtful: return false
        case .refused:
            answered.wasTurnedAway = true
            throw .rateLimitExceeded(limit)
        }
    }
}

extension TokenVerifier {
    /// A listener with the role `listener`, or the problem to answer with.
    /// - Parameter verified: told who it is as soon as that is known, also where the role is missing.
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
