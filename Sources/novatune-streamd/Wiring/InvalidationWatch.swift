import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing
import StreamResponder

/// Takes out of the cache what the database says is no longer good, on a thread of its own.
enum InvalidationWatch {
    static func start(_ resources: Resources) {
        _ = WorkerThread(name: "invalidation") {
            let (listener, invalidator) = (resources.makeInvalidationListener(), resources.makeInvalidator())
            while true {
                guard let event = listener.next(by: .now.advanced(by: .seconds(3600))) else { continue }
                if case .heard(let invalidation) = event { resources.verifiedObjects.forget(invalidation.scope) }
                handle(event, invalidator, resources.telemetry)
            }
        }
    }

    private static func handle(_ event: InvalidationListener.Event, _ invalidator: CacheInvalidator, _ telemetry: Telemetry) {
        switch event {
        case .listening: telemetry.listening()
        case .answered: telemetry.heardFromDatabase()
        case .lost(let cause): telemetry.stoppedListening(cause)
        case .notUnderstood:
            telemetry.heardFromDatabase()
            telemetry.didNotUnderstandInvalidation()
        case .heard(let invalidation):
            telemetry.heardFromDatabase()
            var removed = 0
            do {
                removed = try invalidator.remove(invalidation.scope)
            } catch {
                // What stays in the cache is not handed out: its stamp no longer fits.
                telemetry.requests.cacheFailed(error)
            }
            telemetry.heard(invalidation, removed: removed)
        }
    }
}
