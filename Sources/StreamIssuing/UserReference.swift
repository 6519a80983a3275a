/// How a verified token names its user.
public enum UserReference: Sendable, Hashable {
    case id(ULID)
    /// The database knows which user this is, if any. Indirect, so that a ULID takes no more room than its own.
    indirect case identity(UserIdentity)

    /// Nil for an identity.
    @inlinable public var userID: ULID? { if case .id(let id) = self { id } else { nil } }
}
