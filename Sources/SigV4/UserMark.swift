/// Whom a URL was issued to, as its signed parameter `x-nt-u` names the user: stores sign and ignore it, and hand it to
/// their authorisation webhook. It tells a reader without the key nothing but whether two URLs are one user's.
public struct UserMark: Sendable, Equatable {
    public static let parameter = "x-nt-u"

    /// 40 lower-case hexadecimal digits: 8 name the key, 32 are the user's HMAC under it.
    public let user: String
    /// The user's session epoch when the URL was signed; at least 0.
    public let epoch: Int64

    static let userLength = 40
    private static let length = userLength + 16

    init(user: String, epoch: Int64) {
        self.user = user
        self.epoch = epoch
    }

    /// Reads 56 lower-case hexadecimal digits, the last 16 of which are the epoch; nil for anything else.
    public init?(_ text: some StringProtocol) {
        let digits = text.utf8
        guard digits.count == Self.length,
            digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let epoch = Int64(text.suffix(16), radix: 16)
        else { return nil }
        self.init(user: String(text.prefix(Self.userLength)), epoch: epoch)
    }

    /// The parameter's value, which needs no percent-encoding.
    public var text: String {
        let epoch = String(UInt64(max(0, self.epoch)), radix: 16)
        return user + String(repeating: "0", count: 16 - epoch.utf8.count) + epoch
    }

    /// The part of `user` that names the key.
    public var keyName: Substring { user.prefix(8) }
}
