public import Resilience

extension SharedBreaker {
    /// For tests of what happens without one.
    public static func neverOpening() -> SharedBreaker { SharedBreaker(CircuitBreaker.Policy(failureLimit: .max)) }

    /// Open for an hour from then on: on a busy machine the second for which one opens first may be over between two
    /// calls.
    public static func stayingOpen(afterFailures limit: Int) -> SharedBreaker {
        SharedBreaker(
            CircuitBreaker.Policy(failureLimit: limit, openDuration: .seconds(3600), firstOpenDuration: .seconds(3600)))
    }
}
