import Glibc
import Observability
import StreamIssuing

// What the domain asks of the world, with a clock beside it: how long each dependency took. A dependency that was not asked took no time.

/// From the question to the answer: what the cache takes in between runs beside it.
final class MeasuredTrackStore<Base: TrackStore>: TrackStore {
    private let base: Base
    private let durations: HistogramSeries
    private var stopwatch = Stopwatch()

    init(_ base: Base, _ durations: HistogramSeries) {
        self.base = base
        self.durations = durations
    }

    func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        stopwatch = Stopwatch()
        do {
            try base.ask(user: user, track: track, by: deadline)
        } catch {
            stopwatch.stop(durations, error)
            throw error
        }
    }

    func answer() throws(Unavailable) -> AccessFacts {
        do {
            let facts = try base.answer()
            stopwatch.stop(durations)
            return facts
        } catch {
            stopwatch.stop(durations, error)
            throw error
        }
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
        let stopwatch = Stopwatch()
        defer { stopwatch.stop(durations, base.lastFailure) }
        return base.read(user: user, track: track)
    }

    func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let stopwatch = Stopwatch()
        defer { stopwatch.stop(durations, base.lastFailure) }
        base.write(entry, user: user, track: track, timeToLive: timeToLive)
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
        let stopwatch = Stopwatch()
        do {
            try base.verify(objectKey: objectKey, by: deadline)
            stopwatch.stop(durations)
        } catch {
            stopwatch.stop(durations, error)
            throw error
        }
    }

    func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        try base.presign(objectKey: objectKey, contentType: contentType, at: now)
    }
}

/// Without telemetry it is nothing, as all that it is compared with.
private struct Stopwatch {
    #if WITHOUT_TELEMETRY
        func stop(_ durations: HistogramSeries?, _ failure: Unavailable? = nil) {}
    #else
        private let start = Self.nanoseconds

        func stop(_ durations: HistogramSeries?, _ failure: Unavailable? = nil) {
            guard let durations, failure?.wasAsked ?? true else { return }
            durations.observe(Double(Self.nanoseconds - start) / 1e9)
        }

        /// The clock itself: `ContinuousClock` counts in 128 bits, which takes longer than reading it.
        private static var nanoseconds: Int {
            var time = timespec()
            unsafe clock_gettime(CLOCK_MONOTONIC, &time)
            return time.tv_sec * 1_000_000_000 + time.tv_nsec
        }
    #endif
}
