import StreamIssuing

/// The keys of entries: `prefix:userId:trackId`, of a waveform `prefix:userId:trackId:waveform`; and of the group of all entries of a user: `prefix:userId`.
struct CacheKeys {
    let prefix: String

    func entry(_ user: ULID, _ track: ULID, _ part: TrackPart) -> String {
        var key: [UInt8] = []
        key.reserveCapacity(prefix.utf8.count + 63)
        key += prefix.utf8
        for id in [user, track] {
            key.append(UInt8(ascii: ":"))
            let text = id.utf8
            unsafe text.span.withUnsafeBufferPointer { unsafe key += $0 }
        }
        if part == .waveform { key += ":waveform".utf8 }
        return String(decoding: key, as: UTF8.self)
    }

    func group(_ user: ULID) -> String { "\(prefix):\(user)" }
}
