import StreamIssuing

/// The keys of entries: `prefix:userId:trackId`; and of the group of all entries of a user: `prefix:userId`.
struct CacheKeys {
    let prefix: String

    func entry(_ user: ULID, _ track: ULID) -> String {
        var key = prefix
        key.reserveCapacity(prefix.utf8.count + 54)
        key += ":"
        key += user.description
        key += ":"
        key += track.description
        return key
    }

    func group(_ user: ULID) -> String { "\(prefix):\(user)" }
}
