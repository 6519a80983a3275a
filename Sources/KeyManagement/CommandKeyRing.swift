public import Cryptography
import Resilience
import StreamIssuing

/// A ring that a command prints: the way to Vault, Azure Key Vault, SOPS and whatever else has a client.
///
/// Run without a shell, with the environment of the service but for its own settings, which hold secrets. What it writes to standard
/// error is discarded, because nobody knows what stands there.
public struct CommandKeyRing: KeyRingSource {
    /// Secrets may be among them.
    private let arguments: [SecretText]
    private let timeout: Duration
    private let wrapping: (any KeyWrapping)?

    /// In bytes.
    static let outputLimit = 64 << 10

    /// - Parameters:
    ///   - arguments: the program's absolute path first.
    ///   - timeout: after which it is killed, with all that it started.
    public init(_ arguments: [String], timeout: Duration, wrapping: (any KeyWrapping)? = nil) {
        self.arguments = arguments.map { SecretText($0) }
        self.timeout = timeout
        self.wrapping = wrapping
    }

    /// Without its arguments: they may be anything.
    public var name: String { "command \(arguments.first?.exposed ?? "")" }
    public var watchedPaths: [String] { [] }

    public func read() throws(KeyRingError) -> KeyRing {
        var output = try run()
        guard !output.isEmpty else { throw KeyRingError("\(name) printed nothing", isTemporary: true) }
        defer { output.wipe() }
        return try KeyRingDocument(json: output).ring(unwrappedBy: wrapping)
    }

    /// What fails here may be well the next time: a service that the command asks.
    private func run() throws(KeyRingError) -> [UInt8] {
        do {
            let child = try ChildProcess(arguments.map(\.exposed))
            return try child.output(limit: Self.outputLimit, by: Deadline(after: timeout))
        } catch {
            throw KeyRingError("\(name) \(error)", isTemporary: true)
        }
    }
}
