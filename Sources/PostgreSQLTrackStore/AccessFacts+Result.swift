import StreamIssuing

extension AccessFacts {
    /// From the columns of `AccessQuery`, in their order.
    /// - Parameters:
    ///   - reference: how the question named the user.
    ///   - limit: where there is one, the result has the server's lag.
    init(
        _ result: PostgreSQLResult, user reference: UserReference, track trackID: ULID, part: TrackPart = .audio,
        _ limit: ReplicaLagLimit
    ) throws(PostgreSQLError) {
        if limit.maximum != nil, result.rowCount > 0 {
            let column = AccessQuery.replicaLag
            try limit.check(result.isNull(column) ? nil : try result.integer(column))
        }
        guard result.rowCount > 0, !result.isNull(0) else {
            self.init(user: nil, track: nil, accessExpiresAt: nil)
            return
        }
        let userID =
            switch reference {
            case .id(let id): id
            case .identity: try Self.ulid(result, AccessQueries.userID(limit))
            }
        let user = User(
            id: userID, status: UserStatus(rawValue: try result.text(0)), sessionEpoch: try result.integer(1),
            tokensValidAfterMicroseconds: Self.unixMicroseconds(try result.integer(2)))
        guard !result.isNull(3) else {
            self.init(user: user, track: nil, accessExpiresAt: nil)
            return
        }
        let track = Track(
            id: trackID, ownerID: try Self.ulid(result, 3), status: TrackStatus(rawValue: try result.text(4)),
            version: try result.integer(5), part: part,
            objectKey: SecretText(part == .waveform && result.isNull(6) ? "" : try result.text(6)),
            mimeType: try result.text(7), sizeInBytes: try result.integer(8))
        self.init(user: user, track: track, accessExpiresAt: try Self.end(result, AccessQuery.accessExpiresAt))
    }

    /// The database allows only ULIDs there.
    private static func ulid(_ result: PostgreSQLResult, _ column: Int32) throws(PostgreSQLError) -> ULID {
        guard let ulid = ULID(try result.text(column)) else {
            throw PostgreSQLError(code: .unexpectedRow(column: column))
        }
        return ulid
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
