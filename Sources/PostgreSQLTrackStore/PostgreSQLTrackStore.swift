public import Resilience
public import StreamIssuing

/// The track store in PostgreSQL, on one connection that is made when it is first needed and replaced when it breaks.
public final class PostgreSQLTrackStore {
    private let targets: ConnectionTargets
    private let timeout: Duration
    private let options: AccessOptions
    private let breaker: SharedBreaker
    private var connection: PostgreSQLConnection?
    private var question: (user: UserReference, track: ULID)?
    private var permit: CircuitBreaker.Permit?
    private var hasRetried = false
    /// Of the last question.
    private var failure: PostgreSQLError?
    /// Until the server has refused it.
    private var measuresLag = true
    /// The caller's deadline, for everything.
    private var requestDeadline = Deadline(after: .zero)
    /// This attempt's deadline.
    private var deadline = Deadline(after: .zero)

    /// - Parameters:
    ///   - conninfo: what `isValid(conninfo:)` accepts.
    ///   - timeout: for connecting and the query together; a broken connection is replaced and the query tried once
    ///     more.
    ///   - breaker: shared by all stores of this database. A question and its answer count once, retry included.
    public init(
        conninfo: any ConnectionStringSource, timeout: Duration, options: AccessOptions = AccessOptions(),
        breaker: SharedBreaker
    ) {
        targets = ConnectionTargets(conninfo)
        self.timeout = timeout
        self.options = options
        self.breaker = breaker
    }

    /// Whether libpq can read it: a URI or keywords (PostgreSQL manual, "Connection Strings"). Gives no reason, because
    /// libpq's own text would quote it, password included.
    public static func isValid(conninfo: SecretText) -> Bool {
        ConnectionString(conninfo) != nil
    }

    public func ask(user: UserReference, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        switch breaker.admit() {
        case .refused(let retryAt): throw .circuitOpen(.database, retryAfter: ContinuousClock.now.duration(to: retryAt))
        case .admitted(let permit): self.permit = permit
        }
        question = (user, track)
        hasRetried = false
        requestDeadline = Deadline(at: deadline)
        do {
            try send(user, track)
        } catch {
            try retryAsking(after: error)
        }
    }

    public func answer() throws(Unavailable) -> AccessFacts {
        let facts = try receiveTwice()
        if let permit { breaker.succeeded(permit) }
        failure = nil
        return facts
    }

    private func receiveTwice() throws(Unavailable) -> AccessFacts {
        do {
            return try receive()
        } catch {
            try retryAsking(after: error)
            do { return try receive() } catch { throw failed(error) }
        }
    }

    private func send(_ user: UserReference, _ track: ULID) throws(PostgreSQLError) {
        deadline = Deadline(after: timeout).earlier(requestDeadline)
        try connected().send(user, track)
    }

    private func connected() throws(PostgreSQLError) -> PostgreSQLConnection {
        if let connection { return connection }
        let fresh = try targets.connect(by: deadline) { (connection, deadline) throws(PostgreSQLError) in
            try connection.prepare(options, limit: timeout, by: deadline)
        }
        connection = fresh
        measuresLag = true
        return fresh
    }

    private func receive() throws(PostgreSQLError) -> AccessFacts {
        guard let connection, let question else { throw PostgreSQLError(code: .lost) }
        do {
            return try facts(connection, question)
        } catch  where error.isAboutStatementName && connection.sendsByName(question.user, .audio) {
            // A pooler's other server connection: this one needs no statement there.
            connection.prepared = []
            try connection.send(question.user, question.track)
            return try facts(connection, question)
        }
    }

    private func facts(
        _ connection: PostgreSQLConnection, _ question: (user: UserReference, track: ULID)
    ) throws(PostgreSQLError) -> AccessFacts {
        try AccessFacts(
            try connection.receive(by: deadline), user: question.user, track: question.track, options.replicaLag)
    }

    /// Once for each question. The query only reads, so repeating it changes nothing.
    private func retryAsking(after error: PostgreSQLError) throws(Unavailable) {
        guard error.isWorthAnotherConnection, !hasRetried, !requestDeadline.isPast, let (user, track) = question else {
            throw failed(error)
        }
        hasRetried = true
        connection = nil
        do {
            try send(user, track)
        } catch {
            throw failed(error)
        }
    }

    /// How far the server that answered is behind its primary: nil where it is a primary, or cannot tell. Not while a
    /// question is under way.
    public func replicaLag() -> Duration? {
        if case .lagging(let milliseconds, _) = failure?.code {
            return milliseconds.map { .milliseconds(max($0, 0)) }
        }
        guard failure == nil, measuresLag, let connection else { return nil }
        do throws(PostgreSQLError) {
            let lag = try connection.value(of: ReplicaLag.measurement, by: Deadline(after: timeout))
            return lag.flatMap { Int64($0) }.map { .milliseconds(max($0, 0)) }
        } catch {
            // A server that keeps no such position, such as Aurora's, would write an error each time.
            measuresLag = false
            if error.isWorthAnotherConnection { self.connection = nil }
            return nil
        }
    }

    /// Nil where this version knows the schema, or cannot ask. Not while a question is under way.
    public func schemaDifference() -> SchemaDifference? {
        guard failure == nil, let connection else { return nil }
        let deadline = Deadline(after: timeout)
        do throws(PostgreSQLError) {
            let readable = try connection.value(of: SchemaDifference.readable, by: deadline) ?? ""
            guard readable.contains("novatune") else { return .older }
            guard readable.contains("sqitch"),
                let changes = try connection.value(of: SchemaDifference.unknown, by: deadline)
            else { return nil }
            return .newer(changes.split(separator: " ").map { String($0) })
        } catch {
            if error.isWorthAnotherConnection { self.connection = nil }
            return nil
        }
    }

    private func failed(_ error: PostgreSQLError) -> Unavailable {
        failure = error
        if error.isWorthAnotherConnection { connection = nil }
        if let permit {
            if let question, error.isLackOfIdentities(for: question.user) {
                breaker.succeeded(permit)
            } else {
                breaker.failed(permit)
            }
        }
        return error.unavailable
    }
}
