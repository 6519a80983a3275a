public import Cryptography
import StreamIssuing

/// A key ring that is the value of a setting.
public struct TextKeyRing: KeyRingSource {
    private let text: SecretText
    private let wrapping: (any KeyWrapping)?

    public init(_ text: String, wrapping: (any KeyWrapping)? = nil) {
        self.text = SecretText(text)
        self.wrapping = wrapping
    }

    public var name: String { "environment" }
    public var watchedPaths: [String] { [] }

    public func read() throws(KeyRingError) -> KeyRing { try document().ring(unwrappedBy: wrapping) }

    public func readLocally() throws(KeyRingError) -> KeyRing? { try document().localRing(unwrappedBy: wrapping) }

    private func document() throws(KeyRingError) -> KeyRingDocument {
        try KeyRingDocument(wiping: Array(text.exposeSecret().utf8))
    }
}
