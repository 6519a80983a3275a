/// The keys of one provider, which verify its tokens.
public struct KeySet: Sendable {
    public let keys: [VerificationKey]
    /// Those of its published set that verify nothing here.
    public let skipped: [SkippedKey]

    /// - Throws: where there is no key, or two have the same `kid` and algorithm.
    public init(_ keys: [VerificationKey], skipped: [SkippedKey] = []) throws(KeySetError) {
        guard !keys.isEmpty else { throw KeySetError("no key to check tokens with") }
        for (index, key) in keys.enumerated() where keys[..<index].contains(where: { key.isNamedAs($0) }) {
            let name = key.id.map { "kid \(KeyName.shown($0))" } ?? "two keys without kid"
            throw KeySetError("\(name): twice with \(key.algorithm.rawValue)")
        }
        self.keys = keys
        self.skipped = skipped
    }

    public init(_ published: PublishedKeys) throws(KeySetError) {
        try self.init(published.keys, skipped: published.skipped)
    }

    /// The position of the key for a token's header, or nil. A `kid` must be known, and its key must have the token's
    /// algorithm. A token without a `kid` is verified with the only key of its algorithm.
    func position(for header: JOSEHeader) -> Int? {
        let candidates = keys.indices.lazy.filter { [keys] index in
            keys[index].algorithm == header.algorithm && (header.keyID == nil || keys[index].id == header.keyID)
        }
        guard let first = candidates.first, candidates.dropFirst().isEmpty else { return nil }
        return first
    }
}
