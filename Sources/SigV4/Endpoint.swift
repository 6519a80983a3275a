/// Where a bucket is reached: `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`,
/// `https://proxy.example/s3`.
public struct Endpoint: Sendable, Hashable {
    public enum Scheme: String, Sendable {
        case http, https

        var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    /// Where the bucket's name goes.
    public enum Addressing: String, Sendable {
        /// `https://host/bucket/key`
        case path
        /// `https://bucket.host/key`
        case virtual
    }

    /// What a proxy does with the endpoint's path before the store reads the request.
    public enum PathHandling: String, Sendable {
        /// The store sees the path, and it is part of what is signed, as AWS's SDKs sign it.
        case kept
        /// The store sees bucket and key alone, and only they are signed.
        case removed
    }

    public let scheme: Scheme
    /// Host name or address; an IPv6 address keeps its brackets: `[::1]`.
    public let host: String
    /// As written; nil where none was.
    public let port: UInt16?
    /// In front of bucket and key, without a slash at its end: `/s3`; empty where there is none.
    public let path: String

    /// Reads `scheme://host[:port][/]`; nil for anything else.
    public init?(_ text: String) {
        self.init(withPath: text)
        guard path.isEmpty else { return nil }
    }

    /// Reads `scheme://host[:port][/path][/]`; nil for anything else.
    public init?(withPath text: String) {
        guard let separator = text.firstRange(of: "://"),
            let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
        else { return nil }
        let authority = text[separator.upperBound...].prefix { $0 != "/" }
        var path = text[authority.endIndex...]
        if path.last == "/" { path = path.dropLast() }
        var host = authority
        var port: UInt16?
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            let digits = authority[authority.index(after: colon)...]
            guard digits.first != "+", let number = UInt16(digits), number > 0 else { return nil }
            port = number
            host = authority[..<colon]
        }
        guard Self.isPlausible(host), Self.isPlain(path: path) else { return nil }
        self.scheme = scheme
        self.host = host.lowercased()
        self.port = port
        self.path = String(path)
    }

    /// Segments of unreserved characters (RFC 3986 §2.3), which no client and no proxy encodes in another way.
    private static func isPlain(path: Substring) -> Bool {
        path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().allSatisfy { segment in
            !segment.isEmpty && segment != "." && segment != ".."
                && segment.utf8.allSatisfy { URIEncoding.isUnreserved($0) }
        }
    }

    private static func isPlausible(_ host: Substring) -> Bool {
        if host.first == "[" {
            return host.last == "]"
                && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." } && host.count > 4
        }
        return !host.isEmpty && host.utf8.count <= 253
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// The authority of a URL, with the port as written.
    func authority(bucket: String, _ addressing: Addressing) -> String {
        let named = addressing == .virtual ? "\(bucket).\(host)" : host
        return port.map { "\(named):\($0)" } ?? named
    }

    /// The `Host` header: clients leave a default port out (RFC 9110 §4.2.1, §7.2).
    func hostHeader(bucket: String, _ addressing: Addressing) -> String {
        addressing == .virtual ? "\(bucket).\(hostHeader)" : hostHeader
    }

    var hostHeader: String {
        guard let port, port != scheme.defaultPort else { return host }
        return "\(host):\(port)"
    }

    /// `scheme://host[:port][/path]/`
    public var url: String { "\(scheme.rawValue)://\(port.map { "\(host):\($0)" } ?? host)\(path)/" }

    /// Without its path, as browsers write it.
    public var origin: String { "\(scheme.rawValue)://\(hostHeader)" }

    /// Whether it is on this machine: `localhost`, `127.0.0.0/8`, `[::1]`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// The path of an object at the store, without the endpoint's own.
    func objectPath(bucket: String, key: String, _ addressing: Addressing) -> String {
        let encodedKey = URIEncoding.encode(key, keepingSlashes: true)
        return addressing == .virtual ? "/\(encodedKey)" : "/\(URIEncoding.encode(bucket))/\(encodedKey)"
    }
}
