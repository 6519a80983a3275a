import EventLoop
import PostgreSQLTrackStore
import Resilience
import S3ObjectStore
import SealedCache
import StreamIssuing

/// What the requests of one event loop share: its connections to database, cache and object store.
final class LoopServices: @unchecked Sendable {
    typealias Issuer = StreamIssuer<PipelinedTrackStore, LoopStreamURLCache, LoopObjectStore>

    let tracks: PipelinedTrackStore
    let cache: LoopStreamURLCache
    let objects: LoopObjectStore

    init(tracks: PipelinedTrackStore, cache: LoopStreamURLCache, objects: LoopObjectStore) {
        self.tracks = tracks
        self.cache = cache
        self.objects = objects
    }

    func makeIssuer(_ policy: IssuingPolicy, _ clock: any WallClock) -> Issuer {
        Issuer(store: tracks, cache: cache, objects: objects, policy: policy, clock: clock)
    }

    /// From the next request on.
    func take(_ edition: CurrentSecrets.Edition, _ resources: Resources) {
        cache.sealer = resources.makeSealer(edition)
        objects.credentials = edition.secrets.storeCredentials
    }

    /// Connects before the first request.
    func start() {
        tracks.connect()
        cache.start()
    }

    /// Fails what is unanswered; what waits for the object store ends by itself. On the loop's thread.
    func close() {
        tracks.close()
        cache.close()
    }
}
