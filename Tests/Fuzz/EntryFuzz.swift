import Cryptography
@testable import SealedCache
import StreamIssuing

nonisolated(unsafe) private let sealer = try! EntrySealer(
    KeyRing(current: "v1", keys: ["v1": SymmetricKey([UInt8](repeating: 1, count: 32))]))

/// Nothing opens that was not sealed, what was sealed opens, and an entry comes back from its encoding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    precondition((try? sealer.open(bytes, under: "stream:a:b")) == nil)
    let sealed = try! sealer.seal(bytes, under: "stream:a:b")
    precondition(try! sealer.open(sealed, under: "stream:a:b") == bytes)
    precondition((try? sealer.open(sealed, under: "stream:a:c")) == nil)
    if let entry = EntryCoding.decode(bytes) {
        precondition(EntryCoding.decode(EntryCoding.encode(entry)) == entry)
        // Text that is not UTF-8 is repaired when it is decoded; all else is encoded as it was.
        let texts = [entry.validators.objectKey, entry.presigned.url].map { $0.exposeSecret() }
        if !texts.contains(where: { $0.unicodeScalars.contains("\u{FFFD}") }) {
            precondition(EntryCoding.encode(entry) == bytes)
        }
    }
    return 0
}
