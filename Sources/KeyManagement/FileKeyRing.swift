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

    public func read() throws(KeyRingError) -> KeyRing {
        do {
            return try KeyRingDocument.ring(json: try SecretFile.read(path), unwrappedBy: wrapping)
        } catch let error as KeyRingError {
            throw error
        } catch {
            throw KeyRingError("\(error)")
        }
    }
}
