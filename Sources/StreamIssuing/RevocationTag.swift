/// The mark of an object that players may no longer read. A policy of the store denies `s3:GetObject` by it.
public enum RevocationTag {
    public static let name = "novatune-revoked"
    public static let value = "true"
}
