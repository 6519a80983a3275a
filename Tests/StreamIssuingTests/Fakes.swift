import StreamIssuing

/// What happened in which order, for all fakes of one test.
final class Journal {
    var events: [String] = []
}

final class FakeTrackStore: TrackStore {
    var facts = Facts.facts()
    var failure: Unavailable?
    var onAnswer: () -> Void = {}
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func ask(user: UserReference, track: ULID, part: TrackPart, by deadline: ContinuousClock.Instant) {
        let name =
            switch user {
            case .id(let id): id.description
            case .identity(let identity): "\(identity.issuer) \(identity.subject.exposeSecret())"
            }
        journal.events.append("ask \(name) \(track)\(mark(part))")
    }

    nonisolated(nonsending) func answer(to question: Void) async -> CallOutcome<AccessFacts> {
        journal.events.append("answer")
        onAnswer()
        return outcome(failure.map { .failure($0) } ?? .success(facts))
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
    var failure: Unavailable?
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    func beginRead(user: ULID, track: ULID, part: TrackPart, by deadline: ContinuousClock.Instant) {
        journal.events.append("read \(user) \(track)\(mark(part))")
    }

    nonisolated(nonsending) func entry(of lookup: Void) async -> CallOutcome<CachedStreamURL?> {
        journal.events.append("entry")
        return outcome(failure.map { .failure($0) } ?? .success(entry))
    }

    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, part: TrackPart, timeToLive: Duration) {
        journal.events.append("write\(mark(part))")
        written.append(Written(entry: entry, user: user, track: track, timeToLive: timeToLive))
    }
}

final class FakeObjectStore: ObjectStore {
    var failureOnVerify: Unavailable?
    var failureOnPresign: Unavailable?
    /// Of the last URL.
    private(set) var session: UserSession?
    private let journal: Journal

    init(_ journal: Journal) { self.journal = journal }

    /// Whether the object is known to be there without a call.
    var isRemembered = false
    var onVerify: () -> Void = {}

    nonisolated(nonsending) func verify(
        _ track: Track, by deadline: ContinuousClock.Instant, unless abandonment: Abandonment
    ) async -> CallOutcome<Void>? {
        onVerify()
        journal.events.append("verify \(track.objectKey.exposeSecret())")
        return isRemembered ? nil : outcome(failureOnVerify.map { .failure($0) } ?? .success(()))
    }

    func presign(
        objectKey: SecretText, contentType: String, for session: UserSession?, at now: UnixTime
    ) throws(Unavailable) -> PresignedURL {
        self.session = session
        journal.events.append("presign \(objectKey.exposeSecret()) \(contentType) \(now.seconds)")
        if let failureOnPresign { throw failureOnPresign }
        return PresignedURL(url: "https://h/fresh", expiresAt: now.adding(.seconds(120)))
    }
}

private func mark(_ part: TrackPart) -> String { part == .audio ? "" : " \(part)" }

private func outcome<Value>(_ result: Result<Value, Unavailable>) -> CallOutcome<Value> {
    CallOutcome(result, began: .now, ended: .now)
}

/// Names of the steps that it sees, with an exclamation mark where one failed.
final class FakeObserver: IssueObserver {
    private(set) var steps: [String] = []

    func asked(_ outcome: CallOutcome<AccessFacts>) { steps.append("asked" + mark(outcome.failure)) }
    func read(_ outcome: CallOutcome<CachedStreamURL?>) { steps.append("read" + mark(outcome.failure)) }
    func verified(_ outcome: CallOutcome<Void>) { steps.append("verified" + mark(outcome.failure)) }
    func presigned(_ outcome: CallOutcome<PresignedURL>) { steps.append("presigned" + mark(outcome.failure)) }

    private func mark(_ failure: Unavailable?) -> String { failure == nil ? "" : "!" }
}
