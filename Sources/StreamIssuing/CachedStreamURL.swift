/// What a cached URL was made from. A hit requires it to equal the current values of the database and the settings, so that an entry
/// cannot outlive the row it came from, even if its invalidation is lost.
public struct Stamp: Sendable, Equatable {
    public let trackVersion: Int64
    /// Beside the version, because a row that is deleted and inserted again restarts its versions.
    public let objectKey: SecretText
    public let userEpoch: Int64
    /// Digest of everything in the settings that shapes a URL: endpoint, region, bucket, addressing, credentials, expiry.
    public let presignFingerprint: UInt64

    public init(trackVersion: Int64, objectKey: SecretText, userEpoch: Int64, presignFingerprint: UInt64) {
        self.trackVersion = trackVersion
        self.objectKey = objectKey
        self.userEpoch = userEpoch
        self.presignFingerprint = presignFingerprint
    }

    /// Compares object keys byte by byte: to a store, `é` in its two spellings is two objects.
    public static func == (left: Stamp, right: Stamp) -> Bool {
        left.trackVersion == right.trackVersion && left.userEpoch == right.userEpoch
            && left.presignFingerprint == right.presignFingerprint
            && left.objectKey.exposed.utf8.elementsEqual(right.objectKey.exposed.utf8)
    }
}

/// A URL as the cache stores it.
public struct CachedStreamURL: Sendable, Equatable {
    public let presigned: PresignedURL
    public let stamp: Stamp

    public init(presigned: PresignedURL, stamp: Stamp) {
        self.presigned = presigned
        self.stamp = stamp
    }

    /// Whether it may be handed out: made from the current values, and more than `buffer` before its end.
    public func isUsable(at now: UnixTime, stamp current: Stamp, buffer: Duration) -> Bool {
        stamp == current && presigned.expiresAt > now.adding(buffer)
    }
}
