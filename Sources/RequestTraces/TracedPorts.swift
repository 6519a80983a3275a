public import StreamIssuing
public import Tracing

/// A track store with a span around each question and its answer. Without a tracer it only passes on.
public final class TracedTrackStore<Base: TrackStore>: TrackStore {
    @usableFromInline let base: Base
    @usableFromInline let tracer: StreamTracer?
    /// From the question to the answer.
    @usableFromInline var span: StreamSpan?

    public init(_ base: Base, _ tracer: StreamTracer?) {
        self.base = base
        self.tracer = tracer
    }

    @inlinable
    public func ask(user: ULID, track: ULID, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        guard let tracer else { return try base.ask(user: user, track: track, by: deadline) }
        span = tracer.child(.databaseAuthorize, .client)
        span?.set(.postgreSQL)
        do {
            try base.ask(user: user, track: track, by: deadline)
        } catch {
            end(error)
            throw error
        }
    }

    @inlinable
    public func answer() throws(Unavailable) -> AccessFacts {
        guard tracer != nil else { return try base.answer() }
        do {
            let facts = try base.answer()
            end(nil)
            return facts
        } catch {
            end(error)
            throw error
        }
    }

    @usableFromInline
    func end(_ error: Unavailable?) {
        guard let span else { return }
        if let error { span.fail(error) }
        span.end()
        self.span = nil
    }
}

/// A cache with a span around each read and write.
public final class TracedStreamURLCache<Base: StreamURLCache>: StreamURLCache {
    @usableFromInline let base: Base
    @usableFromInline let tracer: StreamTracer?
    @usableFromInline let isServer: Bool

    /// - Parameter isServer: whether it lies on a server that speaks RESP; else in the process.
    public init(_ base: Base, isServer: Bool, _ tracer: StreamTracer?) {
        self.base = base
        self.isServer = isServer
        self.tracer = tracer
    }

    @inlinable
    public func read(user: ULID, track: ULID) -> CachedStreamURL? {
        guard let span = start(.cacheGet) else { return base.read(user: user, track: track) }
        let entry = base.read(user: user, track: track)
        span.set(.cacheHit(entry != nil))
        end(span)
        return entry
    }

    @inlinable
    public func write(_ entry: CachedStreamURL, user: ULID, track: ULID, timeToLive: Duration) {
        let span = start(.cacheSet)
        base.write(entry, user: user, track: track, timeToLive: timeToLive)
        span.map(end)
    }

    public var lastFailure: Unavailable? { base.lastFailure }

    /// Its failure is none of the request's.
    @usableFromInline
    func end(_ span: StreamSpan) {
        if let failure = base.lastFailure { span.fail(failure) }
        span.end()
    }

    @inlinable
    func start(_ name: SpanName) -> StreamSpan? {
        guard let span = tracer?.child(name, isServer ? .client : .internal) else { return nil }
        if isServer { span.set(.redis) }
        return span
    }
}

/// An object store with a span around each look-up and each signature.
public final class TracedObjectStore<Base: ObjectStore>: ObjectStore {
    @usableFromInline let base: Base
    @usableFromInline let tracer: StreamTracer?

    public init(_ base: Base, _ tracer: StreamTracer?) {
        self.base = base
        self.tracer = tracer
    }

    @inlinable
    public func verify(objectKey: SecretText, by deadline: ContinuousClock.Instant) throws(Unavailable) {
        let span = tracer?.child(.storageHead, .client)
        span?.set(.head)
        defer { span?.end() }
        do {
            try base.verify(objectKey: objectKey, by: deadline)
            span?.set(.status(200))
        } catch {
            span?.set(.status(of: error))
            span?.fail(error)
            throw error
        }
    }

    @inlinable
    public func presign(objectKey: SecretText, contentType: String, at now: UnixTime) throws(Unavailable) -> PresignedURL {
        let span = tracer?.child(.storagePresign, .internal)
        defer { span?.end() }
        do {
            return try base.presign(objectKey: objectKey, contentType: contentType, at: now)
        } catch {
            span?.fail(error)
            throw error
        }
    }
}
