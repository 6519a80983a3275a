import Logging
import Observability
import Resilience
import StreamIssuing

// Metrics and log lines of invalidations.
extension Telemetry {
    func watchListener() {
        registry.gauge("novatune_invalidation_subscriber_up", "1 while invalidations are received, else 0.") {
            [subscriberState] in
            subscriberState.withLock { $0 == nil ? 1 : 0 }
        }
        registry.gauge(
            "novatune_invalidation_subscriber_last_received_timestamp_seconds",
            "When the database last showed that it is listened to, since 1970: by a word, or by answering after 15 s of silence."
        ) { [lastReceived] in
            Double(lastReceived.withLock { $0 }.seconds)
        }
    }

    /// Why no invalidation arrives; nil where they do.
    var subscriberFailure: String? { subscriberState.withLock { $0 } }

    func listening() {
        subscriberState.withLock { $0 = "connected, and not known yet to receive anything" }
        receivedFromDatabase()
        // Rate-limited: a server that accepts the connection and drops it again would cause many lines a second.
        failures.log(.info, "invalidation subscriber connected", kind: "listening", [:])
    }

    /// The database sent a notification, or an answer.
    func receivedFromDatabase() {
        let now = clock.now
        lastReceived.withLock { $0 = now }
    }

    func receivesInvalidations() {
        receivedFromDatabase()
        subscriberState.withLock { $0 = nil }
    }

    func receivesNoInvalidations(_ cause: Unavailable) {
        subscriberState.withLock { $0 = cause.reason }
        failures.log(
            .warning, "invalidation subscriber receives nothing", kind: "subscriber-\(cause.code)",
            ["code": "\(cause.code)", "reason": "\(cause.reason)"])
    }

    func stoppedListening(_ cause: Unavailable) {
        subscriberState.withLock { $0 = cause.reason }
        failures.log(
            .warning, "invalidation subscriber disconnected", kind: "listener-\(cause.code)",
            ["code": "\(cause.code)", "reason": "\(cause.reason)"])
    }

    func received(_ invalidation: Invalidation, removed: Int) {
        invalidations.increment(invalidation.reason.rawValue)
        logger.debug(
            "cache invalidated",
            metadata: [
                "user_id": "\(invalidation.scope.user?.description ?? "all")",
                "track_id": "\(invalidation.scope.track?.description ?? "all")",
                "reason": "\(invalidation.reason.rawValue)", "removed": "\(removed)",
            ])
    }

    func receivedMalformedInvalidation() {
        failures.log(
            .warning, "malformed invalidation received", kind: "invalidation",
            ["reason": "another client uses the channel"])
    }
}
