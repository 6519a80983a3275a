import StreamIssuing

/// The keys of entries: `prefix:userId:trackId`, of a waveform `prefix:userId:trackId:waveform`; and of the group of all entries of a user: `prefix:userId`.
struct CacheKeys {
    let prefix: String

    func entry(_ user: ULID, _ track: ULID, _ part: TrackPart) -> String {
        var key = prefix
        key.reserveCapacity(prefix.utf8.count + 63)
        key += ":"
        key += user.description
        key += ":"
        key += track.description
        if part == .waveform { key += ":waveform" }
        return key
    }

    func group(_ user: ULID) -> String { "\(prefix):\(user)" }
}
