/// How much of the present turn is used: a value.
struct TurnShare {
    private let limit: Duration
    private var turn = -1
    private var used = Duration.zero

    init(limit: Duration) { self.limit = limit }

    /// Always in a turn that has not been used yet.
    mutating func hasTime(in turn: Int) -> Bool {
        begin(turn)
        return used == .zero || used < limit
    }

    mutating func take(_ duration: Duration, in turn: Int) {
        begin(turn)
        used += max(duration, .nanoseconds(1))
    }

    private mutating func begin(_ turn: Int) {
        if turn != self.turn { (self.turn, used) = (turn, .zero) }
    }
}
