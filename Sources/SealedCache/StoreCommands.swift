import StreamIssuing

/// The commands that read and write a value on a RESP server; they define the layout there.
///
/// A group's keys are in a sorted set, `group:index`, with the second in which each expires: every write trims the set,
/// and the set expires after its last key.
struct StoreCommands {
    /// The longest that any value of a group is given.
    let longestTimeToLive: Duration
    let clock: any WallClock

    /// How much longer than its value a key stays in its group: the clocks of the writing hosts may differ.
    private static let indexSlack: Duration = .seconds(300)
    static let indexSuffix = ":index"

    /// The group of the keys of probes. No user has this id.
    static func probeGroup(under prefix: String) -> String { "\(prefix):probe" }

    /// The same in a cluster, where the number leads to one master.
    static func clusterProbeGroup(under prefix: String, _ number: Int) -> String { "\(prefix):{probe\(number)}" }

    /// Keys that have no value, one in each sixteenth of a cluster's slots.
    static func spreadKeys(under prefix: String) -> [String] { spreadTags.map { "\(prefix):{probe\($0)}:absent" } }

    private static let spreadTags: [Int] = {
        let sixteenth = HashSlot.count / 16
        return (0..<16).compactMap { part in
            (0..<1000).first { HashSlot.of("{probe\($0)}") / sixteenth == part }
        }
    }()

    /// Whether the key is of a probe.
    static func isOfProbe(_ key: String, under prefix: String) -> Bool {
        key.hasPrefix("\(prefix):probe:") || key.hasPrefix("\(prefix):{probe")
    }

    static func index(_ group: String) -> String { group + indexSuffix }

    /// The names of the commands of `read` and `write`, in their order.
    static let readNames = ["GET"]
    static let writeNames = ["ZADD", "ZREMRANGEBYSCORE", "PEXPIRE", "SET"]

    static func read(_ key: String) -> RESPCommand { RESPCommand("GET", [key]) }

    /// The same commands for a node of a cluster that does not serve the slot yet (Redis Cluster specification, "ASK
    /// redirection").
    static func asking(_ commands: [RESPCommand]) -> (bytes: [UInt8], names: [String]) {
        let asking = RESPCommand("ASKING")
        return (commands.flatMap { asking.bytes + $0.bytes }, commands.flatMap { [asking.name, $0.name] })
    }

    static func value(_ reply: RESPReply) throws(ValueStoreError) -> [UInt8]? {
        switch reply {
        case .bulk(let value): return value
        case .null: return nil
        default: throw .unexpectedReply
        }
    }

    /// Adds the key to its group before the value: a value that its group lacks could not be removed with it. The last
    /// reply is `OK`.
    func write(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) -> [RESPCommand] {
        let index = Self.index(group)
        let now = clock.now
        var set = RESPCommand("SET", [key], further: value.count + 16)
        set.append(value)
        set.append("PX")
        set.append(Self.milliseconds(timeToLive))
        return [
            RESPCommand("ZADD", [index, String(now.adding(timeToLive).seconds), key]),
            RESPCommand("ZREMRANGEBYSCORE", [index, "-inf", String(now.adding(.zero - Self.indexSlack).seconds)]),
            RESPCommand("PEXPIRE", [index, Self.milliseconds(max(timeToLive, longestTimeToLive) + Self.indexSlack)]),
            set,
        ]
    }

    private static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return String(max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
