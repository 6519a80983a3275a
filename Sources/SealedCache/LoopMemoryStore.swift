/// A memory store as a loop's store. Its lock is held for microseconds, also by other threads.
public final class LoopMemoryStore: LoopValueStore {
    private let store: MemoryStore
    private var isClosed = false

    /// - Parameter store: may serve several loops.
    public init(_ store: MemoryStore) { self.store = store }

    public func start() {}

    public func read(
        _ key: String, by deadline: ContinuousClock.Instant,
        whenDone: @escaping (Result<[UInt8]?, ValueStoreError>) -> Void
    ) {
        whenDone(result { (store) throws(ValueStoreError) in try store.value(forKey: key) })
    }

    public func write(
        _ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration,
        whenDone: @escaping (Result<Void, ValueStoreError>) -> Void
    ) {
        whenDone(
            result { (store) throws(ValueStoreError) in
                try store.setValue(value, forKey: key, in: group, timeToLive: timeToLive)
            })
    }

    public func close() { isClosed = true }

    private func result<Value>(
        _ body: (MemoryStore) throws(ValueStoreError) -> Value
    ) -> Result<Value, ValueStoreError> {
        guard !isClosed else { return .failure(.closed) }
        do throws(ValueStoreError) { return .success(try body(store)) } catch { return .failure(error) }
    }
}
