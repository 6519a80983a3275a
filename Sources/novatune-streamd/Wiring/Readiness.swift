import S3ObjectStore
import StreamResponder

/// What `/readyz` says.
struct Readiness: ReadinessSource {
    let monitor: DependencyMonitor
    let telemetry: Telemetry

    var dependencies: [DependencyHealth] {
        monitor.state.map { outcome in
            let offset = outcome.clockOffset.flatMap { $0.isWorthWarning(false) ? $0 : nil }
            return DependencyHealth(
                name: outcome.name, failure: outcome.failure, isOptional: outcome.isOptional,
                warning: offset.map { "this machine's clock is \($0.description)" }, replicaLag: outcome.replicaLag)
        } + [DependencyHealth(name: "invalidations", failure: telemetry.subscriberFailure, isOptional: true)]
    }
    var reloadRefusal: String? { telemetry.reloadRefusal }
}
