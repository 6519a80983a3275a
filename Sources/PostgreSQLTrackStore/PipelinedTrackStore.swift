public import EventLoop
public import Resilience
public import StreamIssuing

/// The track store of one event loop: all its requests share one pipelined connection, which is made when it is first
/// needed and replaced when it breaks. For its loop's thread only, except `stop`.
public final class PipelinedTrackStore: TrackStore, @unchecked Sendable {
    /// Questions that may wait for an answer; one more is refused. Each holds less than 1 KiB.
    public static let defaultCapacity = 4096
    /// How often to look for late questions.
    private static let sweepInterval: Duration = .milliseconds(20)
    private static let attempts = 2
    /// A connection that was lost sooner is replaced when it is needed: its replacement would be lost as soon.
    private static let leastLifetime: Duration = .seconds(1)
    /// After a failure to connect, where no request tries sooner.
    private static let reconnectInterval: Duration = .milliseconds(250)

    private let loop: EventLoop
    private let connector: TrackStoreConnector
    private let timeout: Duration
    private let options: AccessOptions
    private let breaker: SharedBreaker
    private let capacity: Int
    private var connection: PipelinedConnection?
    private var connectedAt = ContinuousClock.now
    /// Of the last connection; nil before the first.
    public private(set) var server: DatabaseServer?
    private var isConnecting = false
    /// Why there is no connection; nil before the first failure, and while there is one.
    private var connectFailure: PostgreSQLError?
    private let reportConnecting: (Unavailable?) -> Void
    private var reconnect: EventLoop.TimerID?
    private var isStopped = false
    /// Questions that wait for a connection.
    private var waiting: [AccessQuestion] = []
    private var pending = 0
    private var sweep: EventLoop.TimerID?

    /// - Parameters:
    ///   - conninfo: what `PostgreSQLTrackStore.isValid(conninfo:)` accepts.
    ///   - timeout: for connecting and the query together; a broken connection is replaced and the query tried once
    ///     more.
    ///   - breaker: shared by all stores of this database. A question and its answer count once, retry included.
    ///   - capacity: questions that may wait for an answer.
    ///   - reportConnecting: receives why connecting failed, and nil where it succeeded. Called on the loop's thread.
    public init(
        _ loop: EventLoop, conninfo: any ConnectionStringSource, timeout: Duration,
        options: AccessOptions = AccessOptions(), breaker: SharedBreaker, capacity: Int = defaultCapacity,
        reportConnecting: @escaping (Unavailable?) -> Void = { _ in }
    ) {
        self.loop = loop
        connector = TrackStoreConnector(conninfo: conninfo, timeout: timeout, options: options)
        self.timeout = timeout
        self.options = options
        self.breaker = breaker
        self.capacity = capacity
        self.reportConnecting = reportConnecting
    }

    /// Questions without an answer.
    public var unanswered: Int { pending }

    /// Sends a question; `answer(to:)` waits for its answer.
    public func ask(
        user: UserReference, track: ULID, part: TrackPart = .audio, by deadline: ContinuousClock.Instant
    ) -> AccessQuestion {
        guard pending < capacity else {
            return AccessQuestion(user: user, track: track, part: part, failure: Self.overloaded)
        }
        switch breaker.admit() {
        case .refused(let retryAt):
            return AccessQuestion(
                user: user, track: track, part: part,
                failure: .circuitOpen(.database, retryAfter: ContinuousClock.now.duration(to: retryAt)))
        case .admitted(let permit):
            let question = AccessQuestion(user: user, track: track, part: part, by: deadline, permit: permit)
            pending += 1
            attempt(question)
            return question
        }
    }

    public nonisolated(nonsending) func answer(to question: AccessQuestion) async -> CallOutcome<AccessFacts> {
        let outcome = await question.promise.value()
        // Here, because this is part of the request's own task.
        if let permit = question.permit {
            if outcome.failure == nil || !question.failureIsOfDatabase {
                breaker.succeeded(permit)
            } else {
                breaker.failed(permit)
            }
        }
        return outcome
    }

    /// Connects before the first request.
    public func connect() {
        guard connection == nil, !isConnecting, !isStopped else { return }
        isConnecting = true
        connector.connect(for: loop) { [weak self] outcome in self?.connected(outcome) }
    }

    /// Fails the unanswered questions and closes the connection. On the loop's thread.
    public func close() {
        isStopped = true
        let unanswered = waiting + (connection?.close().1 ?? [])
        (connection, waiting) = (nil, [])
        for question in unanswered { fail(question, PostgreSQLError(code: .lost)) }
        for timer in [sweep, reconnect] { if let timer { loop.cancel(timer) } }
        (sweep, reconnect) = (nil, nil)
    }

    /// Ends the threads that connect and cancel; call it after `close`, on another thread than the loop's. A call to
    /// the server that has not returned by `deadline` is abandoned.
    /// - Returns: whether the threads have ended.
    @discardableResult
    public func stop(by deadline: Deadline) -> Bool { connector.stop(by: deadline) }

    private static let overloaded = Unavailable(
        .database, code: "too_many_waiting", reason: "too many requests wait for it already", retryAfterSeconds: 1)

    private func attempt(_ question: AccessQuestion) {
        question.attempts += 1
        question.deadline = min(ContinuousClock.now.advanced(by: timeout), question.requestDeadline)
        if let connection {
            connection.send(question)
        } else {
            waiting.append(question)
            connect()
        }
        if sweep == nil { scheduleSweep() }
    }

    private func connected(_ outcome: Result<TrackStoreConnector.Handover, PostgreSQLError>) {
        isConnecting = false
        guard !isStopped else { return }
        let questions = waiting
        waiting = []
        do throws(PostgreSQLError) {
            let made = try outcome.get().connection
            server = made.server
            connection = try PipelinedConnection(
                made, loop, answer: { [weak self] in self?.answered($0, $1) },
                lost: { [weak self] in self?.lost(PostgreSQLError(code: .lost)) })
            connectedAt = .now
            connectFailure = nil
            reportConnecting(nil)
            for question in questions {
                if let connection { connection.send(question) } else { waiting.append(question) }
            }
            if connection == nil, !waiting.isEmpty { connect() }
        } catch {
            connectFailure = error
            reportConnecting(error.unavailable)
            for question in questions { retryOrFail(question, error) }
            if !isConnecting { scheduleReconnect() }
        }
    }

    /// Not only for the next request: `/readyz` says for as long that there is no connection.
    private func scheduleReconnect() {
        guard reconnect == nil, !isStopped else { return }
        reconnect = loop.schedule(at: loop.now.advanced(by: Self.reconnectInterval)) { [weak self] in
            self?.reconnect = nil
            self?.connect()
        }
    }

    private func answered(_ question: AccessQuestion, _ outcome: PipelinedConnection.Outcome) {
        // It may have been given up meanwhile.
        guard !question.promise.isKept else { return }
        switch outcome {
        case .aborted:
            question.isAlone = true
            if let connection { connection.send(question) } else { retryOrFail(question, PostgreSQLError(code: .lost)) }
        case .answered(let result):
            do throws(PostgreSQLError) {
                guard result.status == PostgreSQLResult.rows else {
                    throw result.sqlState.map { PostgreSQLError(sqlState: $0) } ?? PostgreSQLError(code: .lost)
                }
                let facts = try AccessFacts(
                    result, user: question.user, track: question.track, part: question.part, options.replicaLag)
                finish(question, .success(facts))
            } catch {
                if error.isAboutStatementName, question.usedStatementName, let connection {
                    // A pooler's other server connection: this one needs no statement there.
                    connection.avoidStatementNames()
                    return connection.send(question)
                }
                if error.isWorthAnotherConnection { lost(PostgreSQLError(code: .lost)) }
                retryOrFail(question, error)
            }
        }
    }

    private func retryOrFail(_ question: AccessQuestion, _ error: PostgreSQLError) {
        guard !question.promise.isKept else { return }
        guard error.isWorthAnotherConnection, question.requestDeadline > .now, question.attempts < Self.attempts,
            !isStopped
        else {
            return fail(question, error)
        }
        attempt(question)
    }

    private func fail(_ question: AccessQuestion, _ error: PostgreSQLError) {
        guard !question.promise.isKept else { return }
        question.failureIsOfDatabase =
            !error.isLackOfIdentities(for: question.user) && !error.isLackOfWaveforms(for: question.part)
        finish(question, .failure(error.unavailable))
    }

    private func finish(_ question: AccessQuestion, _ result: Result<AccessFacts, Unavailable>) {
        pending -= 1
        question.promise.keep(CallOutcome(result, began: question.began, ended: .now))
    }

    /// The connection is unusable; its unanswered questions are asked again on another one.
    private func lost(_ error: PostgreSQLError) {
        guard let old = connection else { return }
        connection = nil
        let (closed, unanswered) = old.close()
        // libpq frees its memory with the last reference, on that thread.
        connector.giveUp(closed)
        for question in unanswered { retryOrFail(question, error) }
        // The next request needs a connection: it need not wait for one.
        if unanswered.isEmpty, connectedAt.duration(to: .now) > Self.leastLifetime { connect() }
    }

    private func scheduleSweep() {
        sweep = loop.schedule(at: loop.now.advanced(by: Self.sweepInterval)) { [weak self] in self?.sweepLate() }
    }

    /// A server that does not answer its oldest question in time answers none: the connection is closed.
    private func sweepLate() {
        sweep = nil
        let now = ContinuousClock.now
        let late = PostgreSQLError(code: .timeout)
        if let oldest = connection?.oldest, oldest.deadline <= now {
            lost(late)
        } else {
            for question in connection?.unanswered ?? [] where question.deadline <= now { fail(question, late) }
        }
        let overdue = waiting.filter { $0.deadline <= now }
        if !overdue.isEmpty {
            waiting.removeAll { $0.deadline <= now }
            for question in overdue { fail(question, connectFailure ?? late) }
        }
        if pending > 0 { scheduleSweep() }
    }
}
