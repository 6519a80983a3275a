// The URL of a server, as other clients of Redis and Valkey write it.
extension RESPServer {
    /// - Parameter rest: what follows `redis://`.
    init(urlWithoutScheme rest: Substring, usesTLS: Bool) throws(CacheURLError) {
        let url = try Parts(rest)
        let (host, port) = try Self.address(url.address, defaultPort: 6379)
        self.init(
            location: .tcp(host: host, port: port), database: try Self.database(url.path, url.query), usesTLS: usesTLS,
            user: url.user, password: url.password)
    }

    /// - Parameter rest: what follows `redis+sentinel://`: user and password of the servers, the sentinels' addresses,
    ///   the group's name, perhaps a database.
    init(sentinelURLWithoutScheme rest: Substring, usesTLS: Bool) throws(CacheURLError) {
        let url = try Parts(rest)
        let (master, path) = (url.path ?? "").cut(at: "/")
        guard !master.isEmpty else {
            throw CacheURLError("the master's name is missing: redis+sentinel://host:port,host:port/master-name/db")
        }
        let addresses = try Self.addresses(url.address, defaultPort: Sentinels.defaultPort)
        self.init(
            location: .sentinels(Sentinels(addresses: addresses, master: String(master))),
            database: try Self.database(path, url.query), usesTLS: usesTLS, user: url.user, password: url.password)
    }

    /// - Parameter rest: what follows `redis+cluster://`: user and password of all nodes, and some of them.
    init(clusterURLWithoutScheme rest: Substring, usesTLS: Bool) throws(CacheURLError) {
        let url = try Parts(rest)
        guard try Self.database(url.path, url.query) == 0 else {
            throw CacheURLError("a cluster has database 0 only; leave the number out")
        }
        self.init(
            location: .cluster(try Self.addresses(url.address, defaultPort: 6379)), usesTLS: usesTLS, user: url.user,
            password: url.password)
    }

    private static func addresses(_ text: Substring, defaultPort: UInt16) throws(CacheURLError) -> [NodeAddress] {
        var addresses: [NodeAddress] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let (host, port) = try address(part, defaultPort: defaultPort)
            addresses.append(NodeAddress(host: host, port: port))
        }
        return addresses
    }

    /// `user:password@address/path?query`.
    private struct Parts {
        let user: String?
        let password: String?
        let address: Substring
        let path: Substring?
        let query: Substring?

        init(_ rest: Substring) throws(CacheURLError) {
            // What follows the host contains no at sign, so a password may contain all characters unescaped.
            let at = rest.lastIndex(of: "@")
            (user, password) = try RESPServer.credentials(at.map { rest[..<$0] })
            let (place, query) = rest[(at.map { rest.index(after: $0) } ?? rest.startIndex)...].cut(at: "?")
            self.query = query
            (address, path) = place.cut(at: "/")
        }
    }

    private static func database(_ path: Substring?, _ query: Substring?) throws(CacheURLError) -> Int {
        let pathDatabase = try path.flatMap { $0.isEmpty ? nil : $0 }.map(Self.database(_:))
        let queryDatabase = try query.flatMap(Self.database(ofQuery:))
        if let pathDatabase, let queryDatabase, pathDatabase != queryDatabase {
            throw CacheURLError("the path and ?db= name different databases")
        }
        return pathDatabase ?? queryDatabase ?? 0
    }

    /// - Returns: nil where the query names no database.
    static func database(ofQuery query: Substring) throws(CacheURLError) -> Int? {
        var database: Int?
        for parameter in query.split(separator: "&", omittingEmptySubsequences: false) {
            switch parameter.cut(at: "=") {
            case ("db", let value?), ("database", let value?): database = try Self.database(value)
            // RESP2 is spoken, which every server understands.
            case ("protocol", "2"), ("protocol", "3"): break
            case (let name, _): throw .unknownParameter(name)
            }
        }
        return database
    }

    private static func database(_ text: Substring) throws(CacheURLError) -> Int {
        guard let number = Int(text), (0...65_535).contains(number) else {
            throw CacheURLError("the database is not a number from 0 to 65535")
        }
        return number
    }

    private static func credentials(_ text: Substring?) throws(CacheURLError) -> (user: String?, password: String?) {
        guard let text else { return (nil, nil) }
        let (name, secret) = text.cut(at: ":")
        guard let secret else { throw CacheURLError("redis://user:password@host needs both, or :password alone") }
        guard let user = percentDecoded(name), let password = percentDecoded(secret) else {
            throw CacheURLError("in user and password, % comes before two hexadecimal digits of UTF-8; write % as %25")
        }
        return (user.isEmpty ? nil : user, password)
    }

    private static func address(
        _ text: Substring, defaultPort: UInt16
    ) throws(CacheURLError) -> (host: String, port: UInt16) {
        if text.contains(",") {
            throw CacheURLError(
                "several hosts are for redis+sentinel:// and redis+cluster://; else write a name that always leads to the master"
            )
        }
        var host = text
        var port = defaultPort
        if let colon = text.lastIndex(of: ":"), !text[colon...].contains("]") {
            let digits = text[text.index(after: colon)...]
            guard digits.first != "+", let number = UInt16(digits), number > 0 else {
                throw CacheURLError("the port is not a number from 1 to 65535")
            }
            port = number
            host = text[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains(where: { $0 == "#" || $0 == " " }) else { throw CacheURLError("no host") }
        return (String(host), port)
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
            guard digits.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
