public import StreamIssuing

/// Values on a RESP server, with commands that Redis, Valkey and Garnet all have.
///
/// `StoreCommands` describes the layout.
///
/// One connection, made when it is first needed and again after an error: not thread-safe.
public final class RESPStore: ValueStore {
    private let server: CurrentServer
    private let timeout: Duration
    private let commands: StoreCommands
    /// Whether it is one node of a cluster, where a command may have keys of one slot only.
    private let isInCluster: Bool
    private var connection: RESPConnection?

    /// The keys that one command removes.
    private static let batch = 500
    private static let probeLifetime: Duration = .seconds(10)
    /// Other processes probe the same server.
    private let probeID = String(UInt64.random(in: 0 ... .max), radix: 36)

    /// - Parameters:
    ///   - timeout: for each of connecting, reading and writing. Nothing is tried twice.
    ///   - longestTimeToLive: the longest that any value of a group is given. A value with a longer one may outlive its
    ///     group, which then does not find it.
    public convenience init(
        _ server: CurrentServer, timeout: Duration, longestTimeToLive: Duration, clock: any WallClock
    ) {
        let commands = StoreCommands(longestTimeToLive: longestTimeToLive, clock: clock)
        self.init(server, timeout: timeout, commands: commands, isInCluster: false)
    }

    init(_ server: CurrentServer, timeout: Duration, commands: StoreCommands, isInCluster: Bool) {
        self.server = server
        self.timeout = timeout
        self.commands = commands
        self.isInCluster = isInCluster
    }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
        try StoreCommands.value(try command(StoreCommands.read(key)))
    }

    public func setValue(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration)
        throws(ValueStoreError)
    {
        let replies = try pipeline(commands.write(value, forKey: key, in: group, timeToLive: timeToLive))
        guard replies.last == .status("OK") else { throw .unexpectedReply }
    }

    @discardableResult public func removeValue(forKey key: String, in group: String) throws(ValueStoreError) -> Bool {
        let replies = try pipeline([RESPCommand("DEL", [key]), RESPCommand("ZREM", [StoreCommands.index(group), key])])
        return replies.first == .integer(1)
    }

    /// Removes from the index only the keys that it listed: keys written meanwhile stay in it.
    @discardableResult public func removeValues(in group: String) throws(ValueStoreError) -> Int {
        let index = StoreCommands.index(group)
        var removed = 0
        while true {
            guard case .array(let members) = try command(RESPCommand("ZRANGE", [index, "0", String(Self.batch - 1)]))
            else {
                throw .unexpectedReply
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
            guard case .array(let parts) = reply, parts.count == 2, case .array(let members) = parts[1] else {
                throw .unexpectedReply
            }
            cursor = try text(parts[0])
            let keys = try members.map { (member) throws(ValueStoreError) in try text(member) }
                .filter { !StoreCommands.isOfProbe($0, under: prefix) }
            let values = keys.filter { !$0.hasSuffix(StoreCommands.indexSuffix) }
            let indices = keys.filter { $0.hasSuffix(StoreCommands.indexSuffix) }
            removed += try delete(values)
            _ = try delete(indices)
        } while cursor != "0"
        return removed
    }

    private func delete(_ keys: [String]) throws(ValueStoreError) -> Int {
        let groups =
            isInCluster ? Array(Dictionary(grouping: keys, by: HashSlot.of).values) : keys.isEmpty ? [] : [keys]
        guard !groups.isEmpty else { return 0 }
        var deleted = 0
        for (reply, group) in zip(try pipeline(groups.map { RESPCommand("DEL", $0) }), groups) {
            deleted += try count(reply, upTo: group.count)
        }
        return deleted
    }

    @discardableResult public func add(_ amount: Int64, toCounter key: String) throws(ValueStoreError) -> Int64 {
        guard case .integer(let sum) = try command(RESPCommand("INCRBY", [key, String(amount)])) else {
            throw .unexpectedReply
        }
        return sum
    }

    /// One node of several in a cluster does not have all the keys that it reads.
    public func probe(under prefix: String) throws(ValueStoreError) {
        try probe(in: StoreCommands.probeGroup(under: prefix))
        for reply in try pipeline(StoreCommands.spreadKeys(under: prefix).map(StoreCommands.read)) {
            guard reply == .null else { throw .unexpectedReply }
        }
    }

    func probe(in group: String) throws(ValueStoreError) {
        let key = "\(group):\(probeID)"
        let (index, value) = (StoreCommands.index(key), Array("probe".utf8))
        let write = commands.write(value, forKey: key, in: key, timeToLive: Self.probeLifetime)
        let replies = try pipeline(
            write + [
                StoreCommands.read(key), RESPCommand("ZRANGE", [index, "0", "0"]), RESPCommand("DEL", [key]),
                RESPCommand("ZREM", [index, key]),
            ])
        let expected: [RESPReply] = [
            .status("OK"), .bulk(value), .array([.bulk(Array(key.utf8))]), .integer(1), .integer(1),
        ]
        guard replies.suffix(expected.count).elementsEqual(expected) else {
            throw ValueStoreError(code: "protocol", reason: "a value was not there just after it was written")
        }
    }

    /// A prefix may contain characters that SCAN's patterns interpret.
    private static func globEscaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if "*?[]\\^-".contains(character) { escaped.append("\\") }
            escaped.append(character)
        }
    }

    private func text(_ reply: RESPReply) throws(ValueStoreError) -> String {
        guard case .bulk(let bytes) = reply else { throw .unexpectedReply }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func count(_ reply: RESPReply?, upTo most: Int) throws(ValueStoreError) -> Int {
        guard case .integer(let count) = reply, (0...most).contains(Int(count)) else { throw .unexpectedReply }
        return Int(count)
    }

    private func command(_ command: RESPCommand) throws(ValueStoreError) -> RESPReply {
        try connected { (connection) throws(ValueStoreError) in try connection.command(command) }
    }

    private func pipeline(_ commands: [RESPCommand]) throws(ValueStoreError) -> [RESPReply] {
        try connected { (connection) throws(ValueStoreError) in try connection.pipeline(commands) }
    }

    /// The server may have closed a kept connection since its last use; only that justifies a new one.
    private func connected<Result>(
        _ body: (RESPConnection) throws(ValueStoreError) -> Result
    ) throws(ValueStoreError) -> Result {
        if let connection {
            do {
                return try body(connection)
            } catch  where error.code == "lost" {
                self.connection = nil
            } catch {
                if error.endsConnection { self.connection = nil }
                throw error
            }
        }
        let fresh = try RESPConnection(server.value, timeout: timeout)
        let result = try body(fresh)
        connection = fresh
        return result
    }
}
