/// How much of the current turn is used: a value.
struct TurnShare {
    private let limit: Duration
    private var turn = -1
    private var used = Duration.zero

    init(limit: Duration) { self.limit = limit }

    /// Always true in a turn of which nothing has been used yet.
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
