import Cryptography

/// The tokens that a store may show: in `Authorization` (MinIO), with or without `Bearer`, or `X-Auth-Token` (RGW).
public struct WebhookTokens: Sendable {
    private let digests: [Digest256]

    /// - Parameter tokens: one, or two while it is replaced.
    public init(_ tokens: [String]) {
        let sha256 = SHA256()
        digests = tokens.map { sha256.hash($0) } + tokens.map { sha256.hash("Bearer \($0)") }
    }

    /// Compares digests, in constant time, with each token.
    func contains(_ shown: [[UInt8]], _ sha256: SHA256) -> Bool {
        shown.map { sha256.hash(String(decoding: $0, as: UTF8.self)) }.reduce(false) { found, digest in
            digests.reduce(found) { ($1 == digest) || $0 }
        }
    }
}
