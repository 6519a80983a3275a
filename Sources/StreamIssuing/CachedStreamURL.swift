/// What a cached URL was made from. A hit requires it to equal the current values of the database and the settings, so
/// that an entry cannot outlive the row it came from, even if its invalidation is lost.
public struct CacheValidators: Sendable, Equatable {
    public let trackVersion: Int64
    /// Beside the version, because a row that is deleted and inserted again restarts its versions.
    public let objectKey: SecretText
    public let userEpoch: Int64
    /// Digest of everything in the settings that shapes a URL: endpoint, region, bucket, addressing, credentials,
    /// expiry.
    public let presignFingerprint: UInt64

    public init(trackVersion: Int64, objectKey: SecretText, userEpoch: Int64, presignFingerprint: UInt64) {
        self.trackVersion = trackVersion
        self.objectKey = objectKey
        self.userEpoch = userEpoch
        self.presignFingerprint = presignFingerprint
    }

    /// Compares object keys byte by byte: to a store, `é` in its two spellings is two objects.
    public static func == (left: CacheValidators, right: CacheValidators) -> Bool {
        left.trackVersion == right.trackVersion && left.userEpoch == right.userEpoch
            && left.presignFingerprint == right.presignFingerprint
            && left.objectKey.exposeSecret().utf8.elementsEqual(right.objectKey.exposeSecret().utf8)
    }
}

/// A URL as the cache stores it.
public struct CachedStreamURL: Sendable, Equatable {
    public let presigned: PresignedURL
    public let validators: CacheValidators

    public init(presigned: PresignedURL, validators: CacheValidators) {
        self.presigned = presigned
        self.validators = validators
    }

    /// Whether it may be handed out: made from the current values, and more than `buffer` before its end.
    public func isUsable(at now: UnixTime, validators current: CacheValidators, buffer: Duration) -> Bool {
        validators == current && presigned.expiresAt > now.adding(buffer)
    }
}
