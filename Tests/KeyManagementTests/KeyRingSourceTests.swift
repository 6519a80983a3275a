import Cryptography
import KeyManagement
import Resilience
import TestSupport
import Testing

/// The sources that need no service. (The one behind AWS KMS runs the same suite in the integration tests.)
@Suite struct KeyRingSourceTests {
    static let kinds = [
        KeyRingSourceContract.Kind("environment") { ring, _ in
            TextKeyRing(String(decoding: KeyRingDocument.plain(ring).json, as: UTF8.self))
        },
        KeyRingSourceContract.Kind("file") { ring, place in
            FileKeyRing(try place.write(KeyRingDocument.plain(ring).json, as: "ring"))
        },
        KeyRingSourceContract.Kind("directory of base64") { ring, place in
            for (version, key) in ring.keys {
                _ = try place.write(String(decoding: KeyRingDocument.base64(key), as: UTF8.self) + "\n", as: version)
            }
            _ = try place.write(ring.current + "\n", as: "current")
            return DirectoryKeyRing(place.path)
        },
        KeyRingSourceContract.Kind("directory of bytes") { ring, place in
            for (version, key) in ring.keys {
                _ = try place.write(key.withBytes { key in key.indices.map { key[$0] } }, as: version)
            }
            _ = try place.write(ring.current, as: "current")
            return DirectoryKeyRing(place.path)
        },
        KeyRingSourceContract.Kind("mounted secret") { ring, place in
            try MountedSecret(place).put(ring)
            return DirectoryKeyRing(place.path)
        },
        KeyRingSourceContract.Kind("command") { ring, place in
            CommandKeyRing(
                ["/bin/cat", try place.write(KeyRingDocument.plain(ring).json, as: "ring")], timeout: .seconds(10))
        },
        KeyRingSourceContract.Kind("wrapped, in a file") { ring, place in
            let wrapped = try KeyRingDocument.plain(ring).wrapped(by: TransposingWrapping())
            return FileKeyRing(try place.write(wrapped.json, as: "ring"), wrapping: TransposingWrapping())
        },
    ]

    @Test(arguments: kinds, KeyRingSourceContract.checks)
    func sourceKeepsTheContract(
        _ kind: KeyRingSourceContract.Kind, _ check: Row<@Sendable (KeyRingSourceContract.Kind) throws -> Void>
    )
        throws
    {
        try check.value(kind)
    }
}

/// Stands in for a key management service where what is tested is not the service: it turns the bytes around and
/// appends the version.
struct TransposingWrapping: KeyWrapping {
    let timeout: Duration = .seconds(1)

    func wrap(_ key: SymmetricKey, version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError) -> [UInt8] {
        key.withBytes { key in key.indices.reversed().map { key[$0] } } + version.utf8
    }

    func unwrap(_ wrapped: [UInt8], version: KeyRing.Version, by deadline: Deadline) throws(KeyRingError)
        -> SymmetricKey
    {
        guard wrapped.dropFirst(32).elementsEqual(version.utf8) else {
            throw KeyRingError("version \(version): wrapped for another")
        }
        return SymmetricKey(Array(wrapped.prefix(32).reversed()))
    }
}
