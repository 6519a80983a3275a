import StreamIssuing

/// What entries are called: `prefix:userId:trackId`, and `prefix:userId` for the group of all that are a user's.
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
