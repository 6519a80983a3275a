public import Resilience
public import StreamIssuing

/// The track store in PostgreSQL, on one connection that is made when it is first needed and replaced when it breaks.
public final class PostgreSQLTrackStore {
    private let targets: ConnectionTargets
    private let timeout: Duration
    private let breaker: SharedBreaker
    private var connection: PostgreSQLConnection?
    private var question: (user: ULID, track: ULID)?
    private var permit: CircuitBreaker.Permit?
    private var hasRetried = false
    /// The caller's deadline, for everything.
    private var requestDeadline = Deadline(after: .zero)
    /// This attempt's deadline.
    private var deadline = Deadline(after: .zero)

    /// - Parameters:
    ///   - conninfo: what `isValid(conninfo:)` accepts.
    ///   - timeout: for connecting and the query together; a broken connection is replaced and the query tried once more.
    ///   - breaker: shared by all stores of this database. A question and its answer count once, retry included.
    public init(conninfo: SecretText, timeout: Duration, breaker: SharedBreaker) {
        targets = ConnectionTargets(conninfo: conninfo)
        self.timeout = timeout
        self.breaker = breaker
    }

    /// Whether libpq can read it: a URI or keywords (PostgreSQL manual, "Connection Strings"). Gives no reason, because libpq's own text
    /// would quote it, password included.
    public static func isValid(conninfo: SecretText) -> Bool {
        ConnectionTargets(conninfo: conninfo).isValid
    }

    public func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
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

    private func send(_ user: ULID, _ track: ULID) throws(PostgreSQLError) {
        deadline = Deadline(after: timeout).earlier(requestDeadline)
        try connected().send(AccessQuery.name, (user.description, track.description))
    }

    private func connected() throws(PostgreSQLError) -> PostgreSQLConnection {
        if let connection { return connection }
        let fresh = try targets.connect(by: deadline) { (connection, deadline) throws(PostgreSQLError) in
            try connection.prepareAccessQuery(limit: timeout, by: deadline)
        }
        connection = fresh
        return fresh
    }

    private func receive() throws(PostgreSQLError) -> AccessFacts {
        guard let connection, let question else { throw PostgreSQLError(code: .lost) }
        return try AccessFacts(try connection.receive(by: deadline), track: question.track)
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

    private func failed(_ error: PostgreSQLError) -> Unavailable {
        if error.isWorthAnotherConnection { connection = nil }
        if let permit { breaker.failed(permit) }
        return error.unavailable
    }
}

extension AccessFacts {
    /// From the columns of `AccessQuery`, in their order.
    init(_ result: PostgreSQLResult, track trackID: ULID) throws(PostgreSQLError) {
        guard result.rowCount > 0 else {
            self.init(user: nil, track: nil, accessExpiresAt: nil)
            return
        }
        let user = User(
            status: UserStatus(rawValue: try result.text(0)), sessionEpoch: try result.integer(1),
            tokensValidAfterMicroseconds: Self.unixMicroseconds(try result.integer(2)))
        guard !result.isNull(3) else {
            self.init(user: user, track: nil, accessExpiresAt: nil)
            return
        }
        // The database allows only ULIDs there.
        guard let owner = ULID(try result.text(3)) else { throw PostgreSQLError(code: .unexpectedRow(column: 3)) }
        let track = Track(
            id: trackID, ownerID: owner, status: TrackStatus(rawValue: try result.text(4)), version: try result.integer(5),
            objectKey: SecretText(try result.text(6)), mimeType: try result.text(7), sizeInBytes: try result.integer(8))
        self.init(user: user, track: track, accessExpiresAt: try Self.end(result, 9))
    }

    /// Whole seconds, rounded down: nothing may be kept for longer than that.
    private static func end(_ result: PostgreSQLResult, _ column: Int32) throws(PostgreSQLError) -> UnixTime? {
        guard !result.isNull(column) else { return nil }
        let microseconds = unixMicroseconds(try result.integer(column))
        guard microseconds != .max else { return .distantFuture }
        return UnixTime(seconds: microseconds / 1_000_000)
    }

    /// PostgreSQL counts from 2000-01-01; its infinities are the ends of the range and stay there.
    private static func unixMicroseconds(_ timestamp: Int64) -> Int64 {
        guard timestamp != .min, timestamp != .max else { return timestamp }
        let (sum, overflow) = timestamp.addingReportingOverflow(946_684_800_000_000)
        return overflow ? .max : sum
    }
}
