/// When a clock's offset is worth a log line: a value.
public struct ClockWarning: Sendable {
    public enum Change: Sendable, Equatable {
        case differs(ClockOffset)
        case agrees
    }

    private var isWarned = false

    public init() {}

    /// - Parameter offset: nil where none was seen, which changes nothing.
    public mutating func change(_ offset: ClockOffset?) -> Change? {
        guard let offset, offset.isWorthWarning(isWarned) != isWarned else { return nil }
        isWarned.toggle()
        return isWarned ? .differs(offset) : .agrees
    }
}
