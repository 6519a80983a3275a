/// A track's status, spelled as in the API and the database. Open, so that a status that a newer schema adds is shown
/// by its name and, not being `ready`, never streams.
public struct TrackStatus: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let processing = TrackStatus(rawValue: "Processing")
    public static let ready = TrackStatus(rawValue: "Ready")
    public static let failed = TrackStatus(rawValue: "Failed")
    public static let deleted = TrackStatus(rawValue: "Deleted")
}

/// A user account's status. Open for the same reason: one that is not `active` gets nothing.
public struct UserStatus: RawRepresentable, Sendable, Hashable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let active = UserStatus(rawValue: "Active")
}

/// What a request needs of a track's row.
public struct Track: Sendable, Equatable {
    public let id: ULID
    public let ownerID: ULID
    public let status: TrackStatus
    /// Rises with each change that matters to streaming.
    public let version: Int64
    /// What `objectKey`, `mimeType` and `sizeInBytes` are of.
    public let part: TrackPart
    /// The object's key in the bucket: UTF-8, 1 to 1024 bytes. Empty where the track has no waveform.
    public let objectKey: SecretText
    /// `type/subtype` (RFC 9110 §8.3.1).
    public let mimeType: String
    /// 0 for a waveform, whose size is not known.
    public let sizeInBytes: Int64

    public init(
        id: ULID, ownerID: ULID, status: TrackStatus, version: Int64, part: TrackPart = .audio, objectKey: SecretText,
        mimeType: String, sizeInBytes: Int64
    ) {
        self.id = id
        self.ownerID = ownerID
        self.status = status
        self.version = version
        self.part = part
        self.objectKey = objectKey
        self.mimeType = mimeType
        self.sizeInBytes = sizeInBytes
    }
}
