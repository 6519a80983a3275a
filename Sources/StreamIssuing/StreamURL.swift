/// The answer to a player: where to read a part of a track, and until when.
public struct StreamURL: Sendable, Equatable {
    public let part: TrackPart
    /// Presigned GET URL. Its holder may read the object, so it is a secret, except to its listener.
    public let url: SecretText
    /// `X-Amz-Date` + `X-Amz-Expires` of the URL.
    public let expiresAt: UnixTime
    public let contentType: String
    /// 0 for a waveform, whose size is not known.
    public let fileSizeInBytes: Int64

    public init(
        part: TrackPart = .audio, url: SecretText, expiresAt: UnixTime, contentType: String, fileSizeInBytes: Int64
    ) {
        self.part = part
        self.url = url
        self.expiresAt = expiresAt
        self.contentType = contentType
        self.fileSizeInBytes = fileSizeInBytes
    }
}

/// A presigned URL and the end of its life.
public struct PresignedURL: Sendable, Equatable {
    public let url: SecretText
    public let expiresAt: UnixTime

    public init(url: SecretText, expiresAt: UnixTime) {
        self.url = url
        self.expiresAt = expiresAt
    }
}
