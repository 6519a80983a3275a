public import Cryptography
import StrictJSON

/// The stored form of a key ring: its keys in plain form, or each wrapped by a key of a key management service.
///
///     {"current":"v2","keys":{"v1":"<base64 of 32 bytes>","v2":"…"}}
///     {"current":"v2","wrappedKeys":{"v1":"<base64 of what the service returned>","v2":"…"}}
public enum KeyRingDocument: Sendable, Equatable {
    case plain(KeyRing)
    case wrapped(WrappedKeyRing)

    public init(json text: [UInt8]) throws(KeyRingError) {
        let root: JSONValue
        do {
            root = try JSONReader.read(text)
        } catch {
            if let version = error.repeatedName, KeyRing.isVersion(version) {
                throw KeyRingError("version \(version) twice")
            }
            throw KeyRingError("not JSON: \(error)")
        }
        guard let object = root.objectValue,
            object.members.allSatisfy({ ["current", "keys", "wrappedKeys"].contains($0.name) })
        else { throw KeyRingError(#"a key ring is {"current":"v1","keys":{"v1":"<base64 of 32 bytes>"}}"#) }
        guard let current = object["current"]?.stringValue else { throw KeyRingError("no \"current\" version") }
        switch (object["keys"], object["wrappedKeys"]) {
        case (let keys?, nil): self = .plain(try KeyRing(current: current, keys: try Self.keys(keys)))
        case (nil, let keys?): self = .wrapped(try WrappedKeyRing(current: current, keys: try Self.wrappedKeys(keys)))
        case (nil, nil): throw KeyRingError("no \"keys\"")
        default: throw KeyRingError("both \"keys\" and \"wrappedKeys\"; keep one")
        }
    }

    private static func keys(_ value: JSONValue) throws(KeyRingError) -> [KeyRing.Version: SymmetricKey] {
        var keys: [KeyRing.Version: SymmetricKey] = [:]
        for (version, value) in try members(value, "keys") {
            guard let text = value.string, let key = SymmetricKey(base64: text.utf8) else {
                throw KeyRingError("version \(version): not base64")
            }
            keys[version] = key
        }
        return keys
    }

    private static func wrappedKeys(_ value: JSONValue) throws(KeyRingError) -> [KeyRing.Version: [UInt8]] {
        var keys: [KeyRing.Version: [UInt8]] = [:]
        for (version, value) in try members(value, "wrappedKeys") {
            guard let text = value.string, let wrapped = Base64.decode(text.utf8), !wrapped.isEmpty else {
                throw KeyRingError("version \(version): not base64")
            }
            keys[version] = wrapped
        }
        return keys
    }

    /// A version that occurs twice is a repeated member name, which the reader has already refused.
    private static func members(_ value: JSONValue, _ name: String) throws(KeyRingError) -> [(
        name: String, value: JSONValue
    )] {
        guard let members = value.objectValue?.members, !members.isEmpty else { throw KeyRingError("no \"\(name)\"") }
        guard members.allSatisfy({ KeyRing.isVersion($0.name) }) else {
            throw KeyRingError("a version is 1 to 255 of A-Z a-z 0-9 . _ -")
        }
        return members
    }

    /// JSON text with a line for each version. It holds the keys: wipe it after use.
    public var json: [UInt8] {
        switch self {
        case .plain(let ring):
            Self.json(ring.current, "keys", ring.versions.map { ($0, ring.keys[$0].map(Self.base64) ?? []) })
        case .wrapped(let ring):
            Self.json(ring.current, "wrappedKeys", ring.versions.map { ($0, Base64.encode(ring.keys[$0] ?? [])) })
        }
    }

    /// The key as it is written in a ring. Show it only to the operator who asked for it, and wipe it.
    public static func base64(_ key: SymmetricKey) -> [UInt8] {
        key.withBytes { bytes in Base64.encode(bytes) }
    }

    private static func json(_ current: String, _ name: String, _ keys: [(version: String, base64: [UInt8])]) -> [UInt8]
    {
        var text: [UInt8] = []
        // Reserve all of it first, so that growing leaves no copies behind.
        text.reserveCapacity(
            current.utf8.count + 64 + keys.reduce(0) { $0 + $1.version.utf8.count + $1.base64.count + 16 })
        text += "{\n  \"current\": \"\(current)\",\n  \"\(name)\": {".utf8
        for (position, var key) in keys.enumerated() {
            text += "\(position == 0 ? "" : ",")\n    \"\(key.version)\": \"".utf8
            text += key.base64
            text += "\"".utf8
            key.base64.wipe()
        }
        text += "\n  }\n}\n".utf8
        return text
    }
}

/// A ring whose keys only a key management service can unwrap.
public struct WrappedKeyRing: Sendable, Equatable {
    public let current: KeyRing.Version
    public let keys: [KeyRing.Version: [UInt8]]

    public var versions: [KeyRing.Version] { KeyRing.sorted(keys.keys) }

    public init(current: KeyRing.Version, keys: [KeyRing.Version: [UInt8]]) throws(KeyRingError) {
        guard keys[current] != nil else { throw KeyRingError("the current version is not among the keys") }
        self.current = current
        self.keys = keys
    }
}

extension SymmetricKey {
    /// Decoded straight into locked memory; nil where the text is not base64 with padding.
    init?(base64 text: ArraySlice<UInt8>) {
        guard let count = Base64.decodedCount(text) else { return nil }
        self.init(byteCount: count) { Base64.decode(text, into: &$0) }
    }
}
