public import Resilience

extension SharedBreaker {
    /// For tests of what happens without one.
    public static func neverOpening() -> SharedBreaker { SharedBreaker(CircuitBreaker.Policy(failureLimit: .max)) }
}
