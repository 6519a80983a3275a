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

/// The part of a track's row that streaming needs.
public struct Track: Sendable, Equatable {
    public let id: ULID
    public let ownerID: ULID
    public let status: TrackStatus
    /// Rises with each change that matters to streaming.
    public let version: Int64
    /// The object's key in the bucket: UTF-8, 1 to 1024 bytes.
    public let objectKey: SecretText
    /// `type/subtype` (RFC 9110 §8.3.1).
    public let mimeType: String
    public let sizeInBytes: Int64

    public init(
        id: ULID, ownerID: ULID, status: TrackStatus, version: Int64, objectKey: SecretText, mimeType: String,
        sizeInBytes: Int64
    ) {
        self.id = id
        self.ownerID = ownerID
        self.status = status
        self.version = version
        self.objectKey = objectKey
        self.mimeType = mimeType
        self.sizeInBytes = sizeInBytes
    }
}
