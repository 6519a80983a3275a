import Cryptography
import StreamIssuing

/// Entries as values of a store: sealed, under the key of their user and track.
struct SealedEntries {
    var sealer: EntrySealer
    let keys: CacheKeys

    func seal(_ entry: CachedStreamURL, under key: String) throws(ValueStoreError) -> [UInt8] {
        do {
            return try sealer.seal(EntryCoding.encode(entry), under: key)
        } catch {
            throw ValueStoreError(code: "seal", reason: error.description)
        }
    }

    func open(_ value: [UInt8], under key: String) throws(EntrySealer.OpenFailure) -> CachedStreamURL {
        guard let entry = EntryCoding.decode(try sealer.open(value, under: key)) else { throw .truncated }
        return entry
    }
}
