public import TLSClient

/// The address of the cache: `memory:`, `redis://host:port/db`, `rediss://host:port/db`, `unix:/path`,
/// `redis+sentinel://host:port,host:port/master/db`, or `redis+cluster://host:port,host:port`.
public enum CacheURL: Sendable, Equatable {
    case memory(MemoryStore.Limits)
    case server(RESPServer)

    /// - Throws: one line that says what is wrong, without the URL: it may hold a password.
    public init(_ text: String) throws(CacheURLError) {
        if text.hasPrefix("memory:") {
            self = .memory(try Self.limits(text.dropFirst("memory:".count)))
        } else if text.hasPrefix("unix:") {
            self = .server(try Self.unixServer(text.dropFirst("unix:".count)))
        } else if let separator = text.firstRange(of: "://") {
            let scheme = text[..<separator.lowerBound]
            let rest = text[separator.upperBound...]
            switch scheme {
            case "redis", "valkey": self = .server(try RESPServer(urlWithoutScheme: rest, usesTLS: false))
            case "rediss", "valkeys": self = .server(try RESPServer(urlWithoutScheme: rest, usesTLS: true))
            case "redis+sentinel", "valkey+sentinel":
                self = .server(try RESPServer(sentinelURLWithoutScheme: rest, usesTLS: false))
            case "rediss+sentinel", "valkeys+sentinel":
                self = .server(try RESPServer(sentinelURLWithoutScheme: rest, usesTLS: true))
            case "redis+cluster", "valkey+cluster":
                self = .server(try RESPServer(clusterURLWithoutScheme: rest, usesTLS: false))
            case "rediss+cluster", "valkeys+cluster":
                self = .server(try RESPServer(clusterURLWithoutScheme: rest, usesTLS: true))
            default: throw .unknownScheme(scheme)
            }
        } else {
            throw .unknownForm
        }
    }

    public var usesTLS: Bool { if case .server(let server) = self { server.usesTLS } else { false } }

    /// The same address; a server that speaks TLS is verified by `tls`.
    public func verified(by tls: TLSContext) -> CacheURL {
        guard case .server(var server) = self, server.usesTLS else { return self }
        server.tls = tls
        return .server(server)
    }

    private static func limits(_ rest: Substring) throws(CacheURLError) -> MemoryStore.Limits {
        var limits = MemoryStore.Limits()
        guard !rest.isEmpty else { return limits }
        guard rest.first == "?" else { throw CacheURLError("memory: is followed by nothing, or by ?entries=N&bytes=N") }
        for parameter in rest.dropFirst().split(separator: "&") {
            let (name, value) = parameter.cut(at: "=")
            guard let number = value.flatMap({ Int($0) }), number > 0 else {
                throw CacheURLError("memory: a limit is a number above 0")
            }
            switch name {
            case "entries": limits.entries = number
            case "bytes": limits.bytes = number
            default: throw CacheURLError("memory: knows entries and bytes")
            }
        }
        return limits
    }

    private static func unixServer(_ rest: Substring) throws(CacheURLError) -> RESPServer {
        let (path, query) = rest.cut(at: "?")
        guard path.hasPrefix("/"), path.utf8.count <= 107 else {
            throw CacheURLError("unix: needs an absolute path of at most 107 bytes")
        }
        let database = try query.flatMap(RESPServer.database(ofQuery:))
        return RESPServer(location: .unix(path: String(path)), database: database ?? 0)
    }
}

extension Substring {
    /// What is before the separator, and what is behind it; nil where there is none.
    func cut(at separator: Character) -> (Substring, Substring?) {
        guard let index = firstIndex(of: separator) else { return (self, nil) }
        return (self[..<index], self[self.index(after: index)...])
    }
}
