import Glibc
import Resilience

/// What one worker is doing, for the thread that watches all workers.
final class WorkerActivity: Sendable {
    private enum Phase {
        case idle
        /// Reading from the peer or writing to it.
        case talking(descriptor: Int32)
        case working
    }

    private struct State {
        var phase = Phase.idle
        var since = ContinuousClock.now
        /// When the present request began.
        var busySince: ContinuousClock.Instant?
    }

    private let state = Locked(State())

    /// The worker begins to read a request.
    func beginReading(_ descriptor: Int32) {
        enter(.talking(descriptor: descriptor), isStart: true)
    }

    /// The worker has read the request and handles it.
    func beginHandling() {
        enter(.working)
    }

    /// The worker writes the answer.
    func beginWriting(_ descriptor: Int32) {
        enter(.talking(descriptor: descriptor))
    }

    /// Call it before the descriptor may be closed: from here on it is not shut down.
    func becomeIdle() {
        state.withLock { state in
            state.phase = .idle
            state.busySince = nil
        }
    }

    private func enter(_ phase: Phase, isStart: Bool = false) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.phase = phase
            state.since = now
            if isStart { state.busySince = now }
        }
    }

    /// How long the present request has taken so far; nil between requests.
    func busy(at now: ContinuousClock.Instant) -> Duration? {
        state.withLock { $0.busySince?.duration(to: now) }
    }

    /// Disconnects a peer that takes longer than `limit`, so that it does not hold the worker. Under the lock, because
    /// a descriptor in the talking phase is certainly open.
    func disconnectStalledPeer(at now: ContinuousClock.Instant, limit: Duration) {
        state.withLock { state in
            guard case .talking(let descriptor) = state.phase, state.since.duration(to: now) >= limit else { return }
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
    }
}
