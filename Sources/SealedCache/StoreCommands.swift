import StreamIssuing

/// The commands that read and write a value on a RESP server; they define the layout there.
///
/// A group's keys are in a sorted set, `group:index`, with the second in which each expires: every write trims the set, and the set
/// expires after its last key.
struct StoreCommands {
    /// The longest that any value of a group is given.
    let longestTimeToLive: Duration
    let clock: any WallClock

    /// How much longer than its value a key stays in its group: the clocks of the writing hosts may differ.
    private static let indexSlack: Duration = .seconds(300)
    static let indexSuffix = ":index"

    static func index(_ group: String) -> String { group + indexSuffix }

    static func read(_ key: String) -> RESPCommand { RESPCommand("GET", [key]) }

    static func value(_ reply: RESPReply) throws(ValueStoreError) -> [UInt8]? {
        switch reply {
        case .bulk(let value): return value
        case .null: return nil
        default: throw .unexpectedReply
        }
    }

    /// Adds the key to its group before the value: a value that its group lacks could not be removed with it. The last reply is `OK`.
    func write(_ value: [UInt8], forKey key: String, in group: String, timeToLive: Duration) -> [RESPCommand] {
        let index = Self.index(group)
        let now = clock.now
        var set = RESPCommand("SET")
        set.append(key)
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
