/// Delivers requests to a handler's task. One for each task; for the loop's thread only.
@safe public final class ExchangeSource: @unchecked Sendable {
    private let finish: (FastCGIExchange) -> Void
    private let becomeIdle: (ExchangeSource) -> Bool
    private var current: FastCGIExchange?
    private var waiter: UnsafeContinuation<FastCGIExchange?, Never>?

    /// - Parameters:
    ///   - first: the request that the task was started for.
    ///   - finish: called when a request has its answer.
    ///   - becomeIdle: called when the task has no request. False ends it; otherwise `give` must be called.
    init(
        first: FastCGIExchange, finish: @escaping (FastCGIExchange) -> Void,
        becomeIdle: @escaping (ExchangeSource) -> Bool
    ) {
        upcoming = first
        self.finish = finish
        self.becomeIdle = becomeIdle
    }

    private var upcoming: FastCGIExchange?

    /// The next request. The call also finishes the request before it.
    /// - Returns: nil where the task is to end.
    public nonisolated(nonsending) func next() async -> FastCGIExchange? {
        if let current {
            self.current = nil
            finish(current)
        }
        if let first = upcoming {
            (upcoming, current) = (nil, first)
            return first
        }
        guard becomeIdle(self) else { return nil }
        current = await unsafe withUnsafeContinuation { unsafe waiter = $0 }
        return current
    }

    /// Gives the idle task its next request, or ends it.
    func give(_ exchange: FastCGIExchange?) {
        guard let waiter = unsafe waiter else { preconditionFailure("the task is not idle") }
        unsafe self.waiter = nil
        unsafe waiter.resume(returning: exchange)
    }
}
