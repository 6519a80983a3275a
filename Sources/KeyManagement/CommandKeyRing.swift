public import Cryptography

/// A key ring that a command prints, for Vault, Azure Key Vault, SOPS and every other store with a client.
public struct CommandKeyRing: KeyRingSource {
    private let command: SecretCommand
    private let wrapping: (any KeyWrapping)?

    /// - Parameters:
    ///   - arguments: the program's absolute path first.
    ///   - timeout: after which it is killed, with all processes that it started.
    public init(_ arguments: [String], timeout: Duration, wrapping: (any KeyWrapping)? = nil) {
        command = SecretCommand(arguments, timeout: timeout)
        self.wrapping = wrapping
    }

    public var name: String { command.name }
    public var watchedPaths: [String] { [] }

    public func read() throws(KeyRingError) -> KeyRing {
        let output = try run()
        return try KeyRingDocument(wiping: consume output).ring(unwrappedBy: wrapping)
    }

    public func readLocally() -> KeyRing? { nil }

    /// A failure here may be temporary: the command may call a service.
    private func run() throws(KeyRingError) -> [UInt8] {
        do {
            return try command.output()
        } catch {
            throw KeyRingError("\(name) \(error)", isTemporary: true)
        }
    }
}
