public import Cryptography
import StrictJSON

/// The keys that cache entries are sealed with: one current, others that still open what they sealed.
public struct KeyRing: Sendable, Equatable {
    /// 1 to 255 bytes of `[A-Za-z0-9._-]`.
    public typealias Version = String

    public let current: Version
    /// 32 bytes each.
    public let keys: [Version: SymmetricKey]

    public var versions: [Version] { keys.keys.sorted() }

    /// Reads `{"current":"v2","keys":{"v1":"<base64 of 32 bytes>","v2":"…"}}`.
    public init(json text: [UInt8]) throws(KeyRingError) {
        let root: JSONValue
        do { root = try JSONReader.read(text) } catch { throw KeyRingError("not JSON: \(error)") }
        guard let object = root.objectValue, object.members.allSatisfy({ ["current", "keys"].contains($0.name) }) else {
            throw KeyRingError(#"a key ring is {"current":"v1","keys":{"v1":"<base64 of 32 bytes>"}}"#)
        }
        guard let current = object["current"]?.stringValue else { throw KeyRingError("no \"current\" version") }
        guard let members = object["keys"]?.objectValue?.members, !members.isEmpty else { throw KeyRingError("no \"keys\"") }
        var keys: [Version: SymmetricKey] = [:]
        for (version, value) in members {
            guard Self.isVersion(version) else { throw KeyRingError("a version is 1 to 255 of A-Z a-z 0-9 . _ -") }
            guard let text = value.stringValue, let bytes = Base64.decode(text) else {
                throw KeyRingError("version \(version): not base64")
            }
            guard bytes.count == AES256GCM.keyLength else {
                throw KeyRingError("version \(version): \(bytes.count) bytes instead of \(AES256GCM.keyLength)")
            }
            keys[version] = SymmetricKey(bytes)
        }
        guard keys[current] != nil else { throw KeyRingError("the current version is not among the keys") }
        self.current = current
        self.keys = keys
    }

    private static func isVersion(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy { scalar in
                switch scalar {
                case "A"..."Z", "a"..."z", "0"..."9", ".", "_", "-": true
                default: false
                }
            }
    }
}

/// Why a key ring is refused. Names versions, never bytes.
public struct KeyRingError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
