import Observability
import StreamIssuing

// What the domain asks of the world, with a clock beside it: how long each dependency took.

/// From the question to the answer: what the cache takes in between runs beside it.
final class MeasuredTrackStore<Base: TrackStore>: TrackStore {
    private let base: Base
    private let durations: HistogramSeries
    private var start = ContinuousClock.now

    init(_ base: Base, _ durations: HistogramSeries) {
        self.base = base
        self.durations = durations
    }

    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        start = .now
        do {
            try base.ask(user: user, track: track, by: deadline)
        } catch {
            if error.wasAsked { durations.observe(milliseconds: start.duration(to: .now)) }
            throw error
        }
    }

    func answer() throws(Unavailable) -> AccessFacts {
        defer { durations.observe(milliseconds: start.duration(to: .now)) }
        return try base.answer()
    }
}

final class MeasuredStreamURLCache<Base: StreamURLCache>: StreamURLCache {
    private let base: Base
    private let durations: HistogramSeries

    init(_ base: Base, _ durations: HistogramSeries) {
        self.base = base
        self.durations = durations
    }

    var lastFailure: Unavailable? { base.lastFailure }

    func read(user: ULID, track: ULID) -> CachedStreamURL? {
        let start = ContinuousClock.now
        defer { observe(since: start) }
        return base.read(user: user, track: track)
    }

    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let start = ContinuousClock.now
        defer { observe(since: start) }
        base.write(entry, user: user, track: track, timeToLive: timeToLive)
    }

    private func observe(since start: ContinuousClock.Instant) {
        if base.lastFailure?.wasAsked ?? true { durations.observe(milliseconds: start.duration(to: .now)) }
    }
}

/// Looking for an object is a call; signing is none.
final class MeasuredObjectStore<Base: ObjectStore>: ObjectStore {
    private let base: Base
    private let durations: HistogramSeries?

    /// - Parameter durations: nil where objects are not looked for.
    init(_ base: Base, _ durations: HistogramSeries?) {
        self.base = base
        self.durations = durations
    }

    func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        let start = ContinuousClock.now
        do {
            try base.verify(objectKey: objectKey, by: deadline)
        } catch {
            if error.wasAsked { durations?.observe(milliseconds: start.duration(to: .now)) }
            throw error
        }
        durations?.observe(milliseconds: start.duration(to: .now))
    }

    func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        try base.presign(objectKey: objectKey, contentType: contentType, at: now)
    }
}
