public import Cryptography

/// A key ring in a file.
public struct FileKeyRing: KeyRingSource {
    private let path: String
    private let wrapping: (any KeyWrapping)?

    public init(_ path: String, wrapping: (any KeyWrapping)? = nil) {
        self.path = path
        self.wrapping = wrapping
    }

    public var name: String { "file \(path)" }
    public var watchedPaths: [String] { [path] }

    public func read() throws(KeyRingError) -> KeyRing { try document().ring(unwrappedBy: wrapping) }

    public func readLocally() throws(KeyRingError) -> KeyRing? { try document().localRing(unwrappedBy: wrapping) }

    private func document() throws(KeyRingError) -> KeyRingDocument {
        let text: [UInt8]
        do { text = try SecretFile.read(path) } catch { throw KeyRingError("\(error)") }
        return try KeyRingDocument(wiping: consume text)
    }
}
