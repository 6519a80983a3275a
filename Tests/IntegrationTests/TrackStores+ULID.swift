import PostgreSQLTrackStore
import StreamIssuing

extension PostgreSQLTrackStore {
    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        try ask(user: .id(user), track: track, by: deadline)
    }
}

extension PipelinedTrackStore {
    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) -> AccessQuestion {
        ask(user: .id(user), track: track, by: deadline)
    }
}
