/// The user whom a URL is issued to, in the sessions that the user has then.
public struct UserSession: Sendable, Equatable {
    public let user: ULID
    /// Rises when all of the user's sessions end.
    public let epoch: Int64

    public init(user: ULID, epoch: Int64) {
        self.user = user
        self.epoch = epoch
    }
}
