import StrictJSON

/// A key set as its provider publishes it (RFC 7517 §5): the keys that can verify tokens here, and why the others
/// cannot. One key of another kind does not make the rest unusable.
public struct PublishedKeys: Sendable {
    private struct Member: Sendable {
        let name: String
        /// One for each algorithm that the key can be used with.
        var keys: [VerificationKey]
    }

    private let members: [Member]
    public let skipped: [SkippedKey]
    /// The public members of each key of the set, and whether it has private ones.
    private let published: [[JSONValue?]]

    static let limit = 500

    /// In the order of the set.
    public var keys: [VerificationKey] { members.flatMap(\.keys) }

    /// - Throws: where the text is no key set, or no key of it is usable. The reason quotes nothing of the text but
    ///   `kid`.
    public init(jsonWebKeySet text: [UInt8]) throws(KeySetError) {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let root: JSONValue
        do {
            root = try JSONReader.read(text.starts(with: byteOrderMark) ? Array(text.dropFirst(3)) : text)
        } catch {
            throw KeySetError("the key set is not JSON: \(error)")
        }
        try self.init(root)
    }

    init(_ root: JSONValue) throws(KeySetError) {
        var members: [Member] = []
        var skipped: [SkippedKey] = []
        var read: [JSONWebKey] = []
        let values = try Self.values(root)
        // Each key is compared with those before it. Real sets have some dozens.
        guard values.count <= Self.limit else { throw KeySetError("more than \(Self.limit) keys") }
        for (index, value) in values.enumerated() {
            guard let key = value.objectValue.map({ JSONWebKey($0) }) else {
                skipped.append(SkippedKey(name: "key \(index + 1)", reason: "not an object"))
                continue
            }
            // A provider that composes its set of several may publish a key twice.
            if read.contains(where: { $0.identity == key.identity }) { continue }
            read.append(key)
            let name = key.id.map { "kid \(KeyName.shown($0))" } ?? "key \(index + 1)"
            do throws(JSONWebKey.Unusable) {
                let keys = try key.verificationKeys()
                let earlier = members.lazy.flatMap(\.keys)
                guard keys.allSatisfy({ key in !earlier.contains { key.isNamedAs($0) } }) else {
                    throw .init("a key before it has the same kid and alg")
                }
                members.append(Member(name: name, keys: keys))
            } catch {
                skipped.append(SkippedKey(name: name, reason: error.reason))
            }
        }
        try self.init(members, skipped, published: read.map(\.publicIdentity))
    }

    private init(
        _ members: [Member], _ skipped: [SkippedKey], published: [[JSONValue?]]
    ) throws(KeySetError) {
        guard !members.isEmpty else {
            throw KeySetError("no key of the set can verify tokens: \(SkippedKey.list(skipped))")
        }
        self.members = members
        self.skipped = skipped
        self.published = published
    }

    /// Whether the two sets lead to the same keys: their order decides between two of one name.
    public func isSame(as other: PublishedKeys) -> Bool { published == other.published }

    /// The keys of these algorithms. HS256 is not bounded here: only an operator's own file can hold its secret.
    /// - Throws: where no key is left.
    public func bounded(by allowed: [SignatureAlgorithm]) throws(KeySetError) -> PublishedKeys {
        try filtered {
            $0 == .hs256 || allowed.contains($0)
        } because: { key in
            "\(key.algorithm.rawValue) is not in NOVATUNE_JWT_ALGORITHMS"
        }
    }

    /// The keys without secrets, for a set that came over a network.
    /// - Throws: where no key is left.
    public func withoutSecrets() throws(KeySetError) -> PublishedKeys {
        try filtered {
            $0 != .hs256
        } because: { _ in
            "an HS256 secret must not be published"
        }
    }

    private func filtered(
        _ isKept: (SignatureAlgorithm) -> Bool, because reason: (VerificationKey) -> String
    ) throws(KeySetError) -> PublishedKeys {
        var kept: [Member] = []
        var skipped = skipped
        for member in members {
            let keys = member.keys.filter { isKept($0.algorithm) }
            if !keys.isEmpty {
                kept.append(Member(name: member.name, keys: keys))
            } else if let first = member.keys.first {
                skipped.append(SkippedKey(name: member.name, reason: reason(first)))
            }
        }
        return try PublishedKeys(kept, skipped, published: published)
    }

    private static func values(_ root: JSONValue) throws(KeySetError) -> [JSONValue] {
        guard let object = root.objectValue else { throw KeySetError(#"a key set is {"keys":[…]}"#) }
        guard !holdsCertificates(object) else {
            throw KeySetError(
                "these are certificates, not a key set; Google publishes the same keys as a set at "
                    + "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com")
        }
        guard !object.members.isEmpty, object["keys"] != .array([]) else {
            throw KeySetError("the provider publishes no signing key; it signs with HS256")
        }
        guard let values = object["keys"]?.arrayValue else { throw KeySetError(#"a key set is {"keys":[…]}"#) }
        return values
    }

    /// As Firebase's older address has them: `{"KID": "-----BEGIN CERTIFICATE-----…"}`.
    private static func holdsCertificates(_ object: JSONObject) -> Bool {
        object.members.contains { $0.value.stringValue?.hasPrefix("-----BEGIN CERTIFICATE-----") ?? false }
    }
}

/// A key of a set that verifies no token here, and why.
public struct SkippedKey: Sendable, Equatable, CustomStringConvertible {
    /// By its `kid`, or else by its position in the set, from 1.
    public let name: String
    /// Quotes nothing of the key.
    public let reason: String

    public var description: String { "\(name): \(reason)" }

    /// The first five, and how many more there are.
    public static func list(_ skipped: [SkippedKey]) -> String {
        let shown = skipped.prefix(5).map(\.description).joined(separator: "; ")
        return skipped.count > 5 ? "\(shown); and \(skipped.count - 5) more" : shown
    }
}

/// A `kid` for people: it may be any text.
enum KeyName {
    static let shownLength = 64

    static func shown(_ id: String, upTo length: Int = shownLength) -> String {
        let printable = String(String.UnicodeScalarView(id.unicodeScalars.map { isPrintable($0) ? $0 : "?" }))
        return printable.count > length ? printable.prefix(length) + "…" : printable
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: false
        default: true
        }
    }
}
