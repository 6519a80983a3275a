import Observability
import Resilience
import S3ObjectStore

/// Probes the dependencies on threads of its own, so that `/readyz` answers immediately, whatever their state.
final class DependencyMonitor: Sendable {
    private static let interval: Duration = .seconds(1)
    /// After a failure: the breakers wait for the first answer.
    private static let recoveryInterval: Duration = .milliseconds(250)
    /// A probe that takes longer than this counts as failed: its own timeout may be much longer.
    private static let maximumWait: Duration = .milliseconds(1500)

    private let outcomes = Locked<[String: DependencyProbe.Outcome]>([:])
    /// When the probes that are under way began.
    private let begun = Locked<[String: ContinuousClock.Instant]>([:])
    private let names = ["database", "object_store", "cache"]
    private let resources: Resources
    private let stopping = StopSignal()
    private let threads = Locked<[WorkerThread]>([])

    init(_ resources: Resources) {
        self.resources = resources
    }

    /// One thread a dependency: a stalled one must not hide the others.
    func start() {
        let threads = names.map { name in
            WorkerThread(name: "probe-\(name)") { [resources, outcomes, begun, stopping] in
                var probe = DependencyProbe(resources)
                var clockWarning = ClockWarning()
                while !stopping.isSent {
                    begun.withLock { $0[name] = .now }
                    let outcome =
                        switch name {
                        case "database": probe.database()
                        case "object_store": probe.objects()
                        default: probe.cache()
                        }
                    let before = outcomes.withLock { outcomes in
                        defer { outcomes[name] = outcome }
                        return outcomes[name]
                    }
                    begun.withLock { $0[name] = nil }
                    if outcome.failure == nil { resources.noticedRecovery(of: name) }
                    // A database that comes back may be another one.
                    if name == "database", outcome.failure == nil, before == nil || before?.failure != nil,
                        let difference = probe.schemaDifference()
                    {
                        resources.telemetry.schemaDiffers(difference)
                    }
                    // A first failure is reported, a first success is not.
                    if (before?.failure == nil) != (outcome.failure == nil) { resources.telemetry.probed(outcome) }
                    if let change = clockWarning.change(outcome.clockOffset) {
                        resources.telemetry.clockChanged(of: name, change)
                    }
                    stopping.wait(
                        until: Deadline(after: outcome.failure == nil ? Self.interval : Self.recoveryInterval))
                }
            }
        }
        self.threads.withLock { $0 = threads }
    }

    /// Each thread ends after the probe that is under way.
    func stop() { stopping.send() }

    /// Waits for the threads' end, or for `deadline`, after `stop`.
    /// - Returns: whether they have ended.
    @discardableResult
    func join(by deadline: Deadline) -> Bool {
        threads.withLock { $0 }.map { $0.join(by: deadline) }.allSatisfy { $0 }
    }

    /// In a fixed order; a dependency that has not answered yet counts as failed.
    var state: [DependencyProbe.Outcome] {
        let (outcomes, begun, now) = (outcomes.withLock { $0 }, begun.withLock { $0 }, ContinuousClock.now)
        return names.map { name in
            if let start = begun[name], start.duration(to: now) > Self.maximumWait {
                let former = outcomes[name]?.failure.map { "; before that: \($0)" } ?? ""
                return .init(
                    name: name, failure: "no answer for \(start.duration(to: now).components.seconds) s\(former)",
                    isOptional: name == "cache",
                    elapsed: start.duration(to: now))
            }
            let outcome =
                outcomes[name]
                ?? .init(name: name, failure: "not probed yet", isOptional: name == "cache", elapsed: .zero)
            return name == "database" ? withLoops(outcome) : outcome
        }
    }

    /// A probe's connection may be fine where those of requests are not: a pool may be too small for all.
    private func withLoops(_ outcome: DependencyProbe.Outcome) -> DependencyProbe.Outcome {
        guard outcome.failure == nil, let failure = resources.loopsWithoutDatabase.failure else { return outcome }
        return .init(
            name: outcome.name, failure: failure, isOptional: outcome.isOptional, elapsed: outcome.elapsed,
            clockOffset: outcome.clockOffset, replicaLag: outcome.replicaLag)
    }

    var isReady: Bool { state.allSatisfy { $0.failure == nil || $0.isOptional } }

    /// As metrics; `keys` is 1 where none was refused.
    func expose(in telemetry: Telemetry) {
        telemetry.registry.gauges(
            "novatune_readiness", "1 where the dependency is well, as /readyz reports it.", label: "dependency"
        ) {
            [weak self, weak telemetry] in
            guard let self, let telemetry else { return [] }
            return state.map { ($0.name, $0.failure == nil ? 1 : 0) } + [
                ("invalidations", telemetry.subscriberFailure == nil ? 1 : 0),
                ("keys", telemetry.reloadRefusal == nil ? 1 : 0),
            ]
        }
        telemetry.registry.gauges(
            "novatune_clock_offset_seconds",
            "Seconds that this machine's clock is ahead of the dependency's; negative where it is behind.",
            label: "dependency"
        ) { [weak self] in
            (self?.state ?? []).compactMap { outcome in outcome.clockOffset.map { (outcome.name, Double($0.seconds)) } }
        }
        telemetry.registry.gauge(
            "novatune_database_replica_lag_seconds",
            "How far the standby that answers is behind its primary; absent where a primary answers."
        ) { [outcomes] in
            outcomes.withLock { $0["database"]?.replicaLag }.map { $0 / .seconds(1) }
        }
        telemetry.registry.gauge(
            "novatune_database_replica_lag_limit_seconds",
            "The lag beyond which a standby answers no request; absent where any lag will do."
        ) { [limit = resources.replicaLagLimit] in limit.map { $0 / .seconds(1) } }
    }
}
