import SigV4
public import StreamIssuing

/// Whose URLs are refused, as of one reading of the database: a value that decisions read.
public struct RefusedUsers: Sendable {
    private struct MarkedObject: Hashable {
        let user: String
        let key: [UInt8]
    }

    private var epochs: [String: Int64] = [:]
    private var objects: Set<MarkedObject> = []
    /// Names of the keys that marks are made with.
    private let keyNames: Set<String>

    /// - Parameter keyNames: of all keys of the ring. Of a mark by another key nothing is known.
    public init(keyNames: Set<String>) { self.keyNames = keyNames }

    /// Entries: sessions and objects, for each key.
    public var count: Int { epochs.count + objects.count }

    /// - Parameter user: as in `UserMark.user`.
    public mutating func refuse(_ user: String, upTo epoch: Int64) {
        epochs[user] = max(epochs[user] ?? epoch, epoch)
    }

    public mutating func refuse(_ user: String, object: SecretText) {
        objects.insert(MarkedObject(user: user, key: Array(object.exposeSecret().utf8)))
    }

    enum Standing { case known, unknownKey, refusedSessions, refusedObject }

    func standing(_ mark: UserMark, object: String) -> Standing {
        guard keyNames.contains(String(mark.keyName)) else { return .unknownKey }
        if let epoch = epochs[mark.user], mark.epoch <= epoch { return .refusedSessions }
        guard !objects.isEmpty else { return .known }
        return objects.contains(MarkedObject(user: mark.user, key: Array(object.utf8))) ? .refusedObject : .known
    }
}
