public import EventLoop

/// Where sealed values are kept, for one event loop: no call waits, and every call has exactly one answer.
///
/// For the loop's thread only. The layout is that of `ValueStore`, which removes values.
public protocol LoopValueStore: AnyObject {
    /// Makes the resources that it needs, such as connections.
    func start()

    /// - Parameters:
    ///   - deadline: the caller's own; the store's own timeout holds beside it.
    ///   - whenDone: called exactly once, before `read` returns where the answer is known; nil is a miss.
    func read(
        _ key: String, by deadline: ContinuousClock.Instant,
        whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void)

    /// Writes later, after the loop's other work in this turn. Bounded: a write that does not fit fails with
    /// `overloaded`.
    /// - Parameters:
    ///   - timeToLive: at least 1 ms; reading does not extend it.
    ///   - whenDone: called exactly once.
    func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void)

    /// Fails all calls that wait, and all later ones, with `closed`.
    func close()
}

extension LoopValueStore {
    public func read(_ key: String, by deadline: ContinuousClock.Instant) -> Promise<Result<[UInt8]?, ValueStoreError>>
    {
        let promise = Promise<Result<[UInt8]?, ValueStoreError>>()
        read(key, by: deadline) { promise.keep($0) }
        return promise
    }
}
