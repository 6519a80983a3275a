public import OperatorSettings

/// Settings of the circuit breakers.
public enum BreakerSetting {
    public static let failures = Setting.number(
        "NOVATUNE_BREAKER_FAILURES", 1...1000, default: 5, "failures in a row after which a dependency's circuit opens")
    public static let open = Setting.duration(
        "NOVATUNE_BREAKER_OPEN", .milliseconds(100) ... .seconds(3600), default: .seconds(30),
        "how long the circuit stays open at most before a call probes it; 1s the first time")

    public static let group = SettingGroup("Circuit breakers", [failures.declaration, open.declaration])
}
