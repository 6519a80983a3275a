import StreamIssuing

/// What happened in which order, for all fakes of one test.
final class Journal {
    var events: [String] = []
}

final class FakeTrackStore: TrackStore {
    var facts = Facts.facts()
    var failureOnAsk: Unavailable?
    var failureOnAnswer: Unavailable?
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        journal.events.append("ask \(user) \(track)")
        if let failureOnAsk { throw failureOnAsk }
    }

    func answer() throws(Unavailable) -> AccessFacts {
        journal.events.append("answer")
        if let failureOnAnswer { throw failureOnAnswer }
        return facts
    }
}

final class FakeCache: StreamURLCache {
    struct Written: Equatable {
        let entry: CachedStreamURL
        let user: ULID
        let track: ULID
        let timeToLive: Duration
    }

    var entry: CachedStreamURL?
    var written: [Written] = []
    var lastFailure: Unavailable?
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func read(user: ULID, track: ULID) -> CachedStreamURL? {
        journal.events.append("read \(user) \(track)")
        return entry
    }

    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        journal.events.append("write")
        written.append(Written(entry: entry, user: user, track: track, timeToLive: timeToLive))
    }
}

final class FakeObjectStore: ObjectStore {
    var failureOnVerify: Unavailable?
    var failureOnPresign: Unavailable?
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        journal.events.append("verify \(objectKey.exposed)")
        if let failureOnVerify { throw failureOnVerify }
    }

    func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        journal.events.append("presign \(objectKey.exposed) \(contentType) \(now.seconds)")
        if let failureOnPresign { throw failureOnPresign }
        return PresignedURL(url: "https://h/fresh", expiresAt: now.adding(.seconds(120)))
    }
}
