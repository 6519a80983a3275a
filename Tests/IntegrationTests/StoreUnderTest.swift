import EventLoop
import HTTPClient
import Resilience
import S3ObjectStore
import SigV4
import StreamIssuing
import TestSupport

/// The object store in one of its two forms, which must not differ in what they answer.
final class StoreUnderTest {
    enum Form: CaseIterable {
        case blocking, loop
    }

    private enum Store {
        case blocking(S3ObjectStore)
        case loop(LoopObjectStore, RunningLoop)
    }

    private let store: Store

    init(_ form: Form, _ settings: S3Settings, _ credentials: Credentials, _ breaker: SharedBreaker) {
        let clock = WallClockNow()
        switch form {
        case .blocking:
            store = .blocking(
                S3ObjectStore(
                    settings, credentials: credentials, clock: clock, breaker: breaker))
        case .loop:
            let running = RunningLoop()
            let client = LoopHTTPClient(running.loop, resolver: NameResolver(running.loop))
            let store = LoopObjectStore(
                settings, credentials: credentials, clock: clock, loop: running.loop, client: client,
                verified: VerifiedObjects(),
                breaker: breaker)
            self.store = .loop(store, running)
        }
    }

    /// The code of what it throws.
    func verify(_ key: SecretText, by deadline: ContinuousClock.Instant) async -> String? {
        switch store {
        case .blocking(let store): code { () throws(Unavailable) in try store.verify(objectKey: key, by: deadline) }
        case .loop(let store, let running):
            await running.run { _ in
                do throws(Unavailable) {
                    try await store.verify(Self.track(key), by: deadline, unless: Abandonment()) { _ in }
                    return nil
                } catch {
                    return error.code
                }
            }
        }
    }

    func presign(_ key: SecretText, at now: UnixTime) async throws(Unavailable) -> PresignedURL {
        switch store {
        case .blocking(let store):
            return try store.presign(objectKey: key, contentType: "audio/mpeg", for: nil, at: now)
        case .loop(let store, let running):
            let result = await running.run { _ in
                Result { () throws(Unavailable) in
                    try store.presign(objectKey: key, contentType: "audio/mpeg", for: nil, at: now)
                }
            }
            return try result.get()
        }
    }

    private static func track(_ key: SecretText) -> Track {
        let id = LiveStack.shared.ulid("TRACK_READY")
        return Track(
            id: id, ownerID: id, status: .ready, version: 1, objectKey: key, mimeType: "audio/mpeg", sizeInBytes: 1)
    }
}

/// The code of what `body` throws.
func code(_ body: () throws(Unavailable) -> Void) -> String? {
    do throws(Unavailable) { try body() } catch { return error.code }
    return nil
}
