import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing
import StreamResponder

/// Removes invalidated entries from the cache, on a thread of its own.
final class InvalidationSubscriber: Sendable {
    private let resources: Resources
    private let stopping = StopSignal()
    private let thread = Locked<WorkerThread?>(nil)

    init(_ resources: Resources) {
        self.resources = resources
    }

    func start() {
        let thread = WorkerThread(name: "invalidation") { [resources, stopping] in
            let (listener, invalidator) = (
                resources.makeInvalidationListener(stop: stopping), resources.makeInvalidator()
            )
            while !stopping.isSent {
                guard let event = listener.next(by: .now.advanced(by: .seconds(3600))) else { continue }
                if case .received(let invalidation) = event { resources.verifiedObjects.forget(invalidation.scope) }
                Self.handle(event, invalidator, resources.telemetry)
            }
        }
        self.thread.withLock { $0 = thread }
    }

    /// The thread ends after the call to database or cache that is under way.
    func stop() { stopping.send() }

    /// Waits for the thread's end, or for `deadline`, after `stop`.
    /// - Returns: whether it has ended.
    @discardableResult
    func join(by deadline: Deadline) -> Bool { thread.withLock { $0 }?.join(by: deadline) ?? true }

    private static func handle(
        _ event: InvalidationListener.Event, _ invalidator: CacheInvalidator, _ telemetry: Telemetry
    ) {
        switch event {
        case .listening: telemetry.listening()
        case .receiving: telemetry.receivesInvalidations()
        case .notReceiving(let cause): telemetry.receivesNoInvalidations(cause)
        case .answered: telemetry.receivedFromDatabase()
        case .lost(let cause): telemetry.stoppedListening(cause)
        case .malformed:
            telemetry.receivedFromDatabase()
            telemetry.receivedMalformedInvalidation()
        case .received(let invalidation):
            telemetry.receivedFromDatabase()
            var removed = 0
            do {
                removed = try invalidator.remove(invalidation.scope)
            } catch {
                // An entry that stays in the cache is not handed out: its validators no longer match.
                telemetry.requests.cacheFailed(error)
            }
            telemetry.received(invalidation, removed: removed)
        }
    }
}
