public import Cryptography
import Resilience
import StreamIssuing

/// A key ring that a command prints, for Vault, Azure Key Vault, SOPS and every other store with a client.
///
/// The command runs without a shell, in the service's environment without the service's own settings, which hold secrets. Its standard
/// error is discarded, because it may contain anything.
public struct CommandKeyRing: KeyRingSource {
    /// They may contain secrets.
    private let arguments: [SecretText]
    private let timeout: Duration
    private let wrapping: (any KeyWrapping)?

    /// In bytes.
    static let outputLimit = 64 << 10

    /// - Parameters:
    ///   - arguments: the program's absolute path first.
    ///   - timeout: after which it is killed, with all processes that it started.
    public init(_ arguments: [String], timeout: Duration, wrapping: (any KeyWrapping)? = nil) {
        self.arguments = arguments.map { SecretText($0) }
        self.timeout = timeout
        self.wrapping = wrapping
    }

    /// Without its arguments: they may contain anything.
    public var name: String { "command \(arguments.first?.exposeSecret() ?? "")" }
    public var watchedPaths: [String] { [] }

    public func read() throws(KeyRingError) -> KeyRing {
        var output = try run()
        guard !output.isEmpty else { throw KeyRingError("\(name) printed nothing", isTemporary: true) }
        defer { output.wipe() }
        return try KeyRingDocument(json: output).ring(unwrappedBy: wrapping)
    }

    /// A failure here may be temporary: the command may call a service.
    private func run() throws(KeyRingError) -> [UInt8] {
        do {
            let child = try ChildProcess(arguments.map { $0.exposeSecret() })
            return try child.output(limit: Self.outputLimit, by: Deadline(after: timeout))
        } catch {
            throw KeyRingError("\(name) \(error)", isTemporary: true)
        }
    }
}
