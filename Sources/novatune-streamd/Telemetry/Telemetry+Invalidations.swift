import Logging
import Observability
import Resilience
import StreamIssuing

// Metrics and log lines of invalidations.
extension Telemetry {
    func watchListener() {
        registry.gauge("invalidation_listener_up", "1 while invalidations are heard, else 0.") { [isListening] in
            isListening.withLock { $0 } ? 1 : 0
        }
        registry.gauge(
            "invalidation_listener_last_heard_timestamp_seconds",
            "When the database last showed that it is listened to, since 1970: by a word, or by answering after 15 s of silence."
        ) { [lastReceived] in
            Double(lastReceived.withLock { $0 }.seconds)
        }
    }

    func listening() {
        isListening.withLock { $0 = true }
        receivedFromDatabase()
        // Rate-limited: a server that accepts the connection and drops it again would cause many lines a second.
        failures.log(.info, "listening for invalidations", kind: "listening", [:])
    }

    /// The database sent a notification, or an answer.
    func receivedFromDatabase() {
        let now = clock.now
        lastReceived.withLock { $0 = now }
    }

    func stoppedListening(_ cause: Unavailable) {
        isListening.withLock { $0 = false }
        failures.log(
            .warning, "invalidations are not heard", kind: "listener-\(cause.code)", ["code": "\(cause.code)", "reason": "\(cause.reason)"])
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
        failures.log(.warning, "invalidation not understood", kind: "invalidation", ["reason": "somebody else uses the channel"])
    }
}
