public import OperatorSettings

/// Where a provider publishes its keys.
public struct KeyLocation: Sendable, Hashable {
    public enum Address: Sendable, Hashable {
        /// The URL of a JWK Set (RFC 7517 §5).
        case keys(String)
        /// An issuer, below which a document names that URL (OpenID Connect Discovery 1.0 §4; RFC 8414 §3).
        case discovery(issuer: String)
    }

    public let address: Address
    /// PEM file of the authorities that the provider's certificate is verified against; nil for the machine's.
    public let certificateAuthorities: String?

    /// - Throws: where the URL is neither https nor an address of this host.
    public init(_ address: Address, certificateAuthorities: String? = nil) throws(InvalidValue) {
        self.address = address
        self.certificateAuthorities = certificateAuthorities
        try Self.require(url)
    }

    public var url: String {
        switch address {
        case .keys(let url): url
        case .discovery(let issuer): issuer
        }
    }

    /// For people: without what follows a `?`, which may be a secret.
    public var description: String {
        switch address {
        case .keys(let url): String(url.prefix { $0 != "?" })
        case .discovery(let issuer): "the discovery document of \(issuer)"
        }
    }

    /// What an attacker on the way could replace would verify the attacker's tokens.
    /// - Throws: where `url` is neither https nor, on this host, http.
    public static func require(_ url: String) throws(InvalidValue) {
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !url.contains("#"), let origin = Origin(url) else {
            throw InvalidValue("not https://host[:port][/path]")
        }
        guard origin.isSecure || origin.isLoopback else {
            throw InvalidValue("http is for this host alone; use https")
        }
    }

    /// Scheme, host and port of a URL, as written.
    public struct Origin: Sendable, Equatable {
        public let isSecure: Bool
        /// `host[:port]`.
        public let authority: String
        /// What follows the authority: empty, or from `/` or `?` on.
        public let rest: String

        /// Nil where it is no http or https URL with a host and without a user.
        public init?(_ url: String) {
            guard let scheme = ["https://", "http://"].first(where: { url.lowercased().hasPrefix($0) }) else {
                return nil
            }
            let after = url.dropFirst(scheme.count)
            let authority = after.prefix { $0 != "/" && $0 != "?" }
            guard !authority.isEmpty, !authority.hasPrefix(":"), !authority.contains("@") else { return nil }
            isSecure = scheme == "https://"
            self.authority = authority.lowercased()
            rest = String(after[authority.endIndex...])
        }

        /// `scheme://host[:port]`
        public var text: String { (isSecure ? "https://" : "http://") + authority }

        public func isSame(as other: Origin) -> Bool { isSecure == other.isSecure && authority == other.authority }

        /// `localhost`, `127.0.0.0/8`, `[::1]`.
        var isLoopback: Bool {
            if authority == "[::1]" || authority.hasPrefix("[::1]:") { return true }
            let host = authority.prefix { $0 != ":" }
            let parts = host.split(separator: ".", omittingEmptySubsequences: false)
            return host == "localhost"
                || parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
        }
    }
}
