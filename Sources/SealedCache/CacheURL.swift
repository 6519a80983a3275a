/// The address of the cache: `memory:`, `redis://host:port/db` or `unix:/path`.
public enum CacheURL: Sendable, Equatable {
    case memory(MemoryStore.Limits)
    case server(RESPServer)

    /// - Throws: one line that says what is wrong, without the URL: it may hold a password.
    public init(_ text: String) throws(CacheURLError) {
        if text.hasPrefix("memory:") {
            self = .memory(try Self.limits(text.dropFirst("memory:".count)))
        } else if text.hasPrefix("redis://") {
            self = .server(try Self.server(text.dropFirst("redis://".count)))
        } else if text.hasPrefix("unix:") {
            let (path, query) = Self.split(text.dropFirst("unix:".count), at: "?")
            guard path.hasPrefix("/"), path.utf8.count <= 107 else {
                throw CacheURLError("unix: needs an absolute path of at most 107 bytes")
            }
            var database = 0
            if let query {
                guard query.hasPrefix("db="), let number = Int(query.dropFirst(3)), (0...65_535).contains(number) else {
                    throw CacheURLError("after ? only db=NUMBER is known")
                }
                database = number
            }
            self = .server(RESPServer(location: .unix(path: String(path)), database: database))
        } else {
            throw CacheURLError("not memory:, redis://host:port/db or unix:/path")
        }
    }

    private static func limits(_ rest: Substring) throws(CacheURLError) -> MemoryStore.Limits {
        var limits = MemoryStore.Limits()
        guard !rest.isEmpty else { return limits }
        guard rest.first == "?" else { throw CacheURLError("memory: is followed by nothing, or by ?entries=N&bytes=N") }
        for parameter in rest.dropFirst().split(separator: "&") {
            let (name, value) = split(parameter, at: "=")
            guard let number = value.flatMap({ Int($0) }), number > 0 else { throw CacheURLError("memory: a limit is a number above 0") }
            switch name {
            case "entries": limits.entries = number
            case "bytes": limits.bytes = number
            default: throw CacheURLError("memory: knows entries and bytes")
            }
        }
        return limits
    }

    private static func server(_ rest: Substring) throws(CacheURLError) -> RESPServer {
        let (authority, path) = split(rest, at: "/")
        var address = authority
        var user: String?
        var password: String?
        if let at = authority.lastIndex(of: "@") {
            let (name, secret) = split(authority[..<at], at: ":")
            address = authority[authority.index(after: at)...]
            user = name.isEmpty ? nil : percentDecoded(name)
            password = secret.flatMap { percentDecoded($0) }
            guard password != nil, user != nil || name.isEmpty else {
                throw CacheURLError("redis://user:password@host needs both, or :password alone")
            }
        }
        var port: UInt16 = 6379
        if let colon = address.lastIndex(of: ":"), !address[colon...].contains("]") {
            let digits = address[address.index(after: colon)...]
            guard digits.first != "+", let number = UInt16(digits), number > 0 else { throw CacheURLError("not a port number") }
            port = number
            address = address[..<colon]
        }
        if address.hasPrefix("["), address.hasSuffix("]") { address = address.dropFirst().dropLast() }
        guard !address.isEmpty, !address.contains(where: { $0 == "?" || $0 == "#" || $0 == " " }) else { throw CacheURLError("no host") }
        var database = 0
        if let path, !path.isEmpty {
            guard let number = Int(path), (0...65_535).contains(number) else { throw CacheURLError("the database is a number") }
            database = number
        }
        return RESPServer(location: .tcp(host: String(address), port: port), database: database, user: user, password: password)
    }

    private static func split(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    /// RFC 3986 §2.1; nil where a `%` is not followed by two digits or the bytes are not UTF-8.
    private static func percentDecoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            // Check the digits before they are read: a number's sign is no digit.
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// Why a cache URL is refused.
public struct CacheURLError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
