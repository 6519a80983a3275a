public import FastCGI
import RequestTraces
public import Resilience
public import StreamIssuing

/// `POST /tracks/{trackId}/stream` and `/waveform`, on one event loop: parse → authenticate → issue → write.
public final class StreamRoute: ExchangeHandler, @unchecked Sendable {
    private static let bodyLimit = 16 * 1024
    /// How long a request waits for keys that its token may be signed with.
    private static let keyWait: Duration = .seconds(1)

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
        _ services: any StreamServices, limits: RequestLimits, allowances: Locked<AllowanceTracker>,
        clock: any ArrivalClock,
        makeObserver: @escaping () -> RequestObserver
    ) {
        self.services = services
        self.limits = limits
        self.allowances = allowances
        self.clock = clock
        self.makeObserver = makeObserver
    }

    public nonisolated(nonsending) func serve(_ exchanges: ExchangeSource) async {
        let observer = makeObserver(), abandonment = Abandonment()
        // Bound for all requests of the task, so that the log lines of their calls have their ids.
        await RequestObserver.$current.withValue(observer) {
            while let exchange = await exchanges.next() { await respond(to: exchange, observer, abandonment) }
        }
    }

    nonisolated(nonsending) func respond(
        to exchange: some Exchange, _ observer: RequestObserver, _ abandonment: Abandonment
    ) async {
        abandonment.reset()
        exchange.whenAbandoned(abandonment.happen)
        let waited = begin(observer, exchange)
        let start = ContinuousClock.now
        let deadline = start.advanced(by: limits.requestTimeout - waited)
        var outcome: Result<IssuedURL, Problem>
        do throws(Problem) {
            let (listener, track, part, isCounted) = try await admitWithKeys(
                exchange, observer, waited, by: deadline, unless: abandonment)
            outcome = await issue(track, part, to: listener, isCounted, by: deadline, unless: abandonment, observer)
        } catch {
            outcome = .failure(error)
        }
        if abandonment.hasHappened { outcome = .failure(.clientGone) }
        write(outcome, observer.record, to: exchange)
        observer.record.duration = start.duration(to: .now) + RequestLimits.counted(waited)
        observer.end()
    }

    public func refuse(_ exchange: FastCGIExchange) -> Bool { refuse(beyondLimit: exchange) }

    /// Whatever needs no dependency is decided all the same: a bad token gets its 401, and the rate limit still
    /// applies. Only a request that waited too long for its turn is refused before that, because the queue behind it is
    /// long.
    func refuse(beyondLimit exchange: some Exchange) -> Bool {
        let waited = begin(refusals, exchange)
        let problem: Problem
        do throws(Problem) {
            _ = try admit(exchange, refusals, waited, keys: .notAwaited)
            problem = .overloaded
        } catch {
            problem = error
        }
        write(.failure(problem), refusals.record, to: exchange)
        refusals.record.duration = RequestLimits.counted(waited)
        refusals.end()
        return problem.kind == .serviceUnavailable
    }

    /// - Returns: how long the request has been under way: from the moment that nginx names where both have one clock,
    ///   else from its arrival here.
    private func begin(_ observer: RequestObserver, _ exchange: some Exchange) -> Duration {
        let waited =
            exchange.isFromThisHost
            ? RequestLimits.waited(since: exchange.parameter("RECEIVED_AT"), now: clock.milliseconds)
            : exchange.arrivedAt.duration(to: .now)
        observer.begin(
            correlationID: exchange.parameter("CORRELATION_ID") ?? "",
            continuing: exchange.parameter("HTTP_TRACEPARENT").flatMap { TraceParent($0) },
            state: exchange.parameter("HTTP_TRACESTATE"),
            waited: RequestLimits.counted(waited))
        observer.record.path = StreamPath(exchange.parameter("DOCUMENT_URI"))
        return waited
    }

    /// What a request does about a key that is unknown and may come.
    private enum UnknownKey {
        /// It waits, as long as it has not waited long enough.
        case awaited
        /// It has waited, and is refused.
        case refused
        /// It cannot wait, and is asked to come again.
        case notAwaited
    }

    /// Waits for keys where the token's is unknown and may be among those that are being fetched. Another provider's may
    /// come first.
    private nonisolated(nonsending) func admitWithKeys(
        _ exchange: some Exchange, _ observer: RequestObserver, _ waited: Duration,
        by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async throws(Problem) -> (Listener, ULID, TrackPart, isCounted: Bool) {
        if let admitted = try admit(exchange, observer, waited, keys: .awaited) { return admitted }
        guard services.mayAwaitKeys else { throw .overloaded }
        let limit = min(deadline, ContinuousClock.now.advanced(by: Self.keyWait))
        while await services.keysFetched(by: limit, unless: abandonment) {
            if let admitted = try admit(exchange, observer, waited, keys: .awaited) { return admitted }
        }
        if let admitted = try admit(exchange, observer, waited, keys: .refused) { return admitted }
        throw .unauthorized(.unknownKey)
    }

    /// The checks that need no dependency, in the order of the contract. The caller is checked before what it asks for,
    /// so that a stranger learns nothing.
    /// - Returns: nil where keys are being fetched that the token may be signed with; then nothing is counted yet.
    private func admit(
        _ exchange: some Exchange, _ observer: RequestObserver, _ waited: Duration, keys: UnknownKey
    ) throws(Problem) -> (Listener, ULID, TrackPart, isCounted: Bool)? {
        let record = observer.record
        guard waited <= limits.queueTimeout else { throw .overloaded }
        guard let path = record.path else { throw .notFound }
        guard exchange.parameter("REQUEST_METHOD") == "POST" else { throw .methodNotAllowed }
        guard exchange.bodyLength <= Self.bodyLimit else { throw .contentTooLarge }
        record.trackID = ULID(path.trackText)
        guard
            let listener = try authenticate(
                exchange.parameter("HTTP_AUTHORIZATION"), observer, refusesUnknownKey: keys == .refused)
        else {
            guard keys == .awaited else { throw .overloaded }
            return nil
        }
        record.spender = listener.user
        let isCounted = try spendAllowance(of: listener.user, exchange, record)
        guard let track = record.trackID else { throw .invalidTrackID }
        return (listener, track, path.part, isCounted)
    }

    /// A listener with the role `listener`, or the problem to answer with; nil where keys are being fetched.
    private func authenticate(
        _ authorization: String?, _ observer: RequestObserver, refusesUnknownKey: Bool
    ) throws(Problem) -> Listener? {
        services.takeCurrentSecrets()
        do throws(Problem) {
            let listener: Listener
            do throws(TokenRejection) {
                listener = try services.verify(authorization: authorization)
            } catch {
                if error == .unknownKey, !refusesUnknownKey, services.keyMayCome() { return nil }
                throw .unauthorized(error)
            }
            observer.record.userID = listener.user.userID
            guard listener.holdsListenerRole else { throw .roleMissing }
            observer.acceptedToken()
            return listener
        } catch {
            observer.refusedToken(error)
            observer.record.wasTurnedAway = true
            throw error
        }
    }

    /// nginx limits users, after the answer. Where it will clearly refuse this request, the responder does no work for
    /// it.
    /// - Returns: whether the request was counted; nginx sends the limit, another caller sends none.
    private func spendAllowance(
        of user: UserReference, _ exchange: some Exchange, _ record: RequestRecord
    ) throws(Problem) -> Bool {
        guard let perMinute = exchange.parameter("RATE_LIMIT_PER_MINUTE").flatMap(Int64.init),
            let limit = RateLimit(perMinute: perMinute)
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
        _ track: ULID, _ part: TrackPart, to listener: Listener, _ isCounted: Bool,
        by deadline: ContinuousClock.Instant, unless abandonment: Abandonment, _ observer: RequestObserver
    ) async -> Result<IssuedURL, Problem> {
        do throws(Problem) {
            let issued = try await services.issue(
                track, part, to: listener, by: deadline, unless: abandonment, observer)
            observer.issued(issued, track)
            return .success(issued)
        } catch {
            if let cause = error.cause { observer.failed(cause, track) }
            // nginx does not count it either.
            if isCounted, error.kind == .unauthorized { allowances.withLock { $0.forgive(listener.user) } }
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
            HeaderAnswer(problem: nil, allowanceKey: record.allowanceKey).write(text, to: &exchange.response)
        case .failure(let problem):
            record.problem = problem
            let instance = exchange.instance
            guard isInHeaders else { return exchange.response.answer(problem, instance: instance, using: &text) }
            text.removeAll()
            text.append(problem, instance: instance)
            HeaderAnswer(problem: problem, allowanceKey: record.allowanceKey).write(text, to: &exchange.response)
        }
    }
}
