import EventLoop

/// The state of one connection of a loop's server: a value that returns the action for each event.
struct ConnectionState {
    enum Phase {
        /// Between two requests, or with a part of one.
        case reading
        case handling
    }

    enum Action: Equatable {
        case none
        /// Examine the bytes that have arrived.
        case examine
        /// A request has arrived in full.
        case begin
        case close
        /// The peer is gone: the answer in progress is no longer needed.
        case abandon
        /// The peer is gone, and the request is not begun.
        case closeAbandoned
    }

    /// What a read found.
    enum Arrival {
        case nothing
        /// The peer has stopped writing, or the connection is broken.
        case end
        /// The number of bytes, and the result of their scan.
        case bytes(Int, RequestScan)
    }

    private(set) var phase = Phase.reading
    /// When the phase began, or the first byte of a request arrived.
    private(set) var since: ContinuousClock.Instant
    /// Whether a part of a request has arrived.
    private(set) var hasPartialRequest = false
    private(set) var hasServed = false
    private var hasPeerFinished = false
    /// The peer has closed the connection in both directions.
    private var hasHungUp = false
    private var isAbandoned = false
    /// Something has happened on the descriptor while the request was handled.
    private var mayHaveMore = false

    init(since: ContinuousClock.Instant) { self.since = since }

    /// Whether nothing of a request has arrived.
    var isIdle: Bool { phase == .reading && !hasPartialRequest }

    mutating func happened(_ what: IOInterest) -> Action {
        if what.contains(.peerClosed) { hasPeerFinished = true }
        switch phase {
        case .reading:
            hasHungUp = what.hasFailed
            return .examine
        case .handling:
            mayHaveMore = true
            guard what.hasFailed, !isAbandoned else { return .none }
            isAbandoned = true
            return .abandon
        }
    }

    /// - Parameter limit: bytes of the longest request.
    mutating func arrived(_ arrival: Arrival, limit: Int, at now: ContinuousClock.Instant) -> Action {
        switch arrival {
        case .nothing: return .none
        case .end: return .close
        case .bytes(let count, .complete(let length)):
            // libfcgi would also read the bytes that follow, and drop them. No web server writes the next request
            // before it has its answer.
            guard count == length else { return .close }
            return hasHungUp ? .closeAbandoned : .begin
        case .bytes(let count, .incomplete):
            guard count < limit else { return .close }
            if !hasPartialRequest { since = now }
            hasPartialRequest = true
            // The missing bytes will not arrive.
            return hasPeerFinished ? .close : .none
        case .bytes(_, .invalid): return .close
        }
    }

    /// The request was read.
    mutating func beginHandling(at now: ContinuousClock.Instant) {
        (phase, since, hasPartialRequest, mayHaveMore, isAbandoned) = (.handling, now, false, false, false)
    }

    /// - Parameter isUsable: whether the peer wants to use the connection again.
    mutating func answered(isUsable: Bool, isDraining: Bool, at now: ContinuousClock.Instant) -> Action {
        (phase, since, hasServed) = (.reading, now, true)
        guard isUsable, !hasPeerFinished, !isDraining else { return .close }
        defer { mayHaveMore = false }
        return mayHaveMore ? .examine : .none
    }

    /// From now on, reads no more than what has arrived.
    mutating func stopReading() { hasPeerFinished = true }
}
