/// Milliseconds, for what a route compares with nginx's own clock.
public protocol ArrivalClock: Sendable {
    /// Since 1970-01-01T00:00:00Z.
    var milliseconds: Int64 { get }
    /// Since some moment before the process began; it never jumps.
    var steadyMilliseconds: Int64 { get }
}
