/// The connections of a loop's server by descriptor, and its drain: a value.
struct ConnectionTable {
    /// By descriptor, which is a small number.
    private var states: [ConnectionState?] = []
    private(set) var count = 0
    private(set) var isDraining = false
    private var hasReportedDrain = false

    /// Nil where there is no such connection.
    subscript(_ descriptor: Int32) -> ConnectionState? {
        get { states.indices.contains(Int(descriptor)) ? states[Int(descriptor)] : nil }
        _modify { yield &states[Int(descriptor)] }
    }

    mutating func add(_ descriptor: Int32, at now: ContinuousClock.Instant) {
        let missing = Int(descriptor) + 1 - states.count
        if missing > 0 { states.append(contentsOf: repeatElement(nil, count: missing)) }
        states[Int(descriptor)] = ConnectionState(since: now)
        count += 1
    }

    /// - Returns: false where it was removed before.
    mutating func remove(_ descriptor: Int32) -> Bool {
        guard self[descriptor] != nil else { return false }
        states[Int(descriptor)] = nil
        count -= 1
        return true
    }

    /// The connection to close to make room for another one; nil where none is idle.
    var longestIdle: Int32? {
        all { $0.isIdle }.min { (self[$0]?.since ?? .now) < (self[$1]?.since ?? .now) }
    }

    /// The connections whose request has not arrived in full since `moment`.
    func late(since moment: ContinuousClock.Instant) -> [Int32] {
        all { $0.hasPartialRequest && $0.since < moment }
    }

    /// The connections that have no request in hand.
    /// - Parameter onlyServed: leaves out those that have not had their first answer.
    func reading(onlyServed: Bool) -> [Int32] {
        all { $0.phase == .reading && ($0.hasServed || !onlyServed) }
    }

    mutating func beginDraining() { isDraining = true }

    /// True once: when a drain has begun and no connection is left.
    mutating func finishesDraining() -> Bool {
        guard isDraining, count == 0, !hasReportedDrain else { return false }
        hasReportedDrain = true
        return true
    }

    private func all(_ isWanted: (ConnectionState) -> Bool) -> [Int32] {
        states.indices.filter { states[$0].map(isWanted) ?? false }.map { Int32($0) }
    }
}
