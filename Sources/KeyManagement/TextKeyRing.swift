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

    public func read() throws(KeyRingError) -> KeyRing {
        try KeyRingDocument.ring(json: Array(text.exposeSecret().utf8), unwrappedBy: wrapping)
    }
}
