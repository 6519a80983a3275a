public import StreamIssuing

/// Values on a RESP server, with commands that Redis, Valkey and Garnet all have.
///
/// A group's keys lie in a sorted set, `group:index`, with the second in which each expires: the set is trimmed with every value
/// that is added, and expires after its last.
///
/// One connection, made when it is first needed and again after an error: not for several threads at once.
public final class RESPStore: ValueStore {
    private let server: RESPServer
    private let timeout: Duration
    private let longestTimeToLive: Duration
    private let clock: any WallClock
    private var connection: RESPConnection?

    /// Keys that are taken out with one command.
    private static let batch = 500
    /// How much longer than its value a key stays in its group: the hosts that write may not agree about the time.
    private static let indexSlack: Duration = .seconds(300)

    /// - Parameters:
    ///   - timeout: for each of connecting, reading and writing. Nothing is tried twice.
    ///   - longestTimeToLive: that any value of a group is given. One that is given more may outlive its group, and is then not found
    ///     by it.
    public init(_ server: RESPServer, timeout: Duration, longestTimeToLive: Duration, clock: any WallClock) {
        self.server = server
        self.timeout = timeout
        self.longestTimeToLive = longestTimeToLive
        self.clock = clock
    }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
        switch try command(RESPCommand("GET", [key])) {
        case .bulk(let value): return value
        case .null: return nil
        default: throw unexpected
        }
    }

    /// In the group before it is there: a value that its group does not know could not be taken out with it.
    public func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) throws(ValueStoreError) {
        let index = Self.index(group)
        let now = clock.now
        var set = RESPCommand("SET", argumentCount: 4, capacity: value.count + key.utf8.count + 64)
        set.append(key)
        set.append(value)
        set.append("PX")
        set.append(Self.milliseconds(timeToLive))
        let replies = try pipeline([
            RESPCommand("ZADD", [index, String(now.adding(timeToLive).seconds), key]),
            RESPCommand("ZREMRANGEBYSCORE", [index, "-inf", String(now.adding(.zero - Self.indexSlack).seconds)]),
            RESPCommand("PEXPIRE", [index, Self.milliseconds(max(timeToLive, longestTimeToLive) + Self.indexSlack)]),
            set,
        ])
        guard replies.last == .status("OK") else { throw unexpected }
    }

    @discardableResult public func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool {
        let replies = try pipeline([RESPCommand("DEL", [key]), RESPCommand("ZREM", [Self.index(group), key])])
        return replies.first == .integer(1)
    }

    /// Only what was listed is taken off the list: what is written meanwhile stays on it.
    @discardableResult public func removeValues(in group: String) throws(ValueStoreError) -> Int {
        let index = Self.index(group)
        var removed = 0
        while true {
            guard case .array(let members) = try command(RESPCommand("ZRANGE", [index, "0", String(Self.batch - 1)])) else {
                throw unexpected
            }
            let keys = try members.map { (member) throws(ValueStoreError) in try text(member) }
            guard !keys.isEmpty else { return removed }
            let replies = try pipeline([RESPCommand("DEL", keys), RESPCommand("ZREM", [index] + keys)])
            removed += try count(replies.first, upTo: keys.count)
            guard keys.count == Self.batch else { return removed }
        }
    }

    @discardableResult public func removeValues(under prefix: String) throws(ValueStoreError) -> Int {
        let pattern = Self.globEscaped(prefix) + ":*"
        var removed = 0
        var cursor = "0"
        repeat {
            let reply = try command(RESPCommand("SCAN", [cursor, "MATCH", pattern, "COUNT", String(Self.batch)]))
            guard case .array(let parts) = reply, parts.count == 2, case .array(let members) = parts[1] else { throw unexpected }
            cursor = try text(parts[0])
            let keys = try members.map { (member) throws(ValueStoreError) in try text(member) }
            let values = keys.filter { !$0.hasSuffix(Self.indexSuffix) }
            let indices = keys.filter { $0.hasSuffix(Self.indexSuffix) }
            if !values.isEmpty { removed += try count(command(RESPCommand("DEL", values)), upTo: values.count) }
            if !indices.isEmpty { _ = try command(RESPCommand("DEL", indices)) }
        } while cursor != "0"
        return removed
    }

    @discardableResult public func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 {
        guard case .integer(let sum) = try command(RESPCommand("INCRBY", [key, String(amount)])) else { throw unexpected }
        return sum
    }

    public func ping() throws(ValueStoreError) {
        guard try command(RESPCommand("PING", [])) == .status("PONG") else { throw unexpected }
    }

    private static let indexSuffix = ":index"

    private static func index(_ group: String) -> String { group + indexSuffix }

    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return String(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }

    /// A prefix may hold what SCAN's patterns give a meaning to.
    private static func globEscaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if "*?[]\\^-".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }

    private func text(_ reply: RESPConnection.Reply) throws(ValueStoreError) -> String {
        guard case .bulk(let bytes) = reply else { throw unexpected }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func count(_ reply: RESPConnection.Reply?, upTo most: Int) throws(ValueStoreError) -> Int {
        guard case .integer(let count) = reply, (0...most).contains(Int(count)) else { throw unexpected }
        return Int(count)
    }

    private var unexpected: ValueStoreError { ValueStoreError(code: "protocol", reason: "an unexpected kind of reply") }

    private func command(_ command: RESPCommand) throws(ValueStoreError) -> RESPConnection.Reply {
        try connected { (connection) throws(ValueStoreError) in try connection.command(command) }
    }

    private func pipeline(_ commands: [RESPCommand]) throws(ValueStoreError) -> [RESPConnection.Reply] {
        try connected { (connection) throws(ValueStoreError) in try connection.pipeline(commands) }
    }

    /// A kept connection may have been closed by the server since its last use; that alone is worth a fresh one.
    private func connected<Result>(
        _ body: (RESPConnection) throws(ValueStoreError) -> Result
    ) throws(ValueStoreError) -> Result {
        if let connection {
            do {
                return try body(connection)
            } catch  where error.code == "lost" {
                self.connection = nil
            } catch {
                if error.code != "refused" { self.connection = nil }
                throw error
            }
        }
        let fresh = try RESPConnection(server, timeout: timeout)
        let result = try body(fresh)
        connection = fresh
        return result
    }
}
