/// A notice that cached URLs are no longer valid.
///
/// It only cleans up: a URL whose notice was lost is not handed out either, because its validators no longer match.
public struct Invalidation: Sendable, Equatable {
    public enum Scope: Sendable, Equatable {
        case track(user: ULID, track: ULID)
        case user(ULID)
        /// More than is worth naming one by one.
        case everything

        /// Nil for all users.
        public var user: ULID? {
            switch self {
            case .track(let user, _), .user(let user): user
            case .everything: nil
            }
        }

        /// Nil for all tracks.
        public var track: ULID? {
            if case .track(_, let track) = self { track } else { nil }
        }
    }

    public enum Reason: String, Sendable, CaseIterable {
        /// A track or a user was deleted.
        case deletion
        /// All sessions of a user were ended.
        case logout
        /// Status, owner, object or a grant changed.
        case statusChange = "status_change"
    }

    public let scope: Scope
    public let reason: Reason

    public init(_ scope: Scope, reason: Reason) {
        self.scope = scope
        self.reason = reason
    }
}
