/// Copies of a server's values in this process, which several loops share. They are kept sealed, as on the server.
public struct LocalCopies: Sendable {
    private let store: MemoryStore
    private let timeToLive: Duration

    /// - Parameter timeToLive: of a value that was read: the longest that any value is given. Its own remaining time is
    ///   not known; what an entry says of its end counts beside it.
    public init(_ store: MemoryStore, timeToLive: Duration) {
        self.store = store
        self.timeToLive = timeToLive
    }

    func value(forKey key: String) -> [UInt8]? { store.copy(forKey: key) }

    func keep(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration? = nil) {
        store.keep(value, forKey: key, in: group, timeToLive: timeToLive ?? self.timeToLive)
    }

    func remove(_ key: String) { store.forget(key) }
}
