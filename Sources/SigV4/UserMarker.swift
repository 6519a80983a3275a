public import Cryptography
public import StreamIssuing

/// Marks users by HMAC-SHA-256 under a key of its own, which follows from one of the cache's ring: it rotates with the
/// ring, and opens no entry. It holds a context: not thread-safe.
public final class UserMarker {
    /// 8 hexadecimal digits that tell keys apart.
    public let keyName: String
    private let authenticator: HMACSHA256

    /// - Parameter key: of the cache's ring.
    public init(_ key: SymmetricKey) throws(CryptographyError) {
        var derived = try key.withBytes { (key) throws(CryptographyError) in
            try HMACSHA256(key: key).authenticationCode(for: "novatune x-nt-u".utf8.span).bytes
        }
        defer { derived.wipe() }
        authenticator = try HMACSHA256(key: derived.span)
        keyName = String(authenticator.authenticationCode(for: "novatune key name".utf8.span).hexadecimal.prefix(8))
    }

    /// The user as in `UserMark.user`.
    public func user(_ id: String) -> String {
        let code = authenticator.authenticationCode(for: id.utf8.span).hexadecimal
        return keyName + code.prefix(UserMark.userLength - keyName.utf8.count)
    }

    /// - Parameter session: nil for a call of this service's own, which is no user's.
    public func mark(_ session: UserSession?) -> UserMark {
        UserMark(user: user(session?.user.description ?? "novatune own call"), epoch: session?.epoch ?? 0)
    }
}
