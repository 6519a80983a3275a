/// Says whether a request's client is gone, so that the rest of its work is dropped.
///
/// For the loop's thread only; unchecked, because the compiler does not know that a loop's tasks share one thread.
public final class Abandonment: @unchecked Sendable {
    public private(set) var hasHappened = false
    private var reaction: (() -> Void)?

    public init() {}

    /// The client is gone: ends the wait under way, if there is one.
    public func happen() {
        hasHappened = true
        let reaction = reaction
        self.reaction = nil
        reaction?()
    }

    /// Calls `react` when it happens, or immediately where it has happened. It replaces the previous function.
    public func whenItHappens(_ react: @escaping () -> Void) {
        if hasHappened { react() } else { reaction = react }
    }

    /// Forgets the previous request.
    public func reset() { (hasHappened, reaction) = (false, nil) }
}
