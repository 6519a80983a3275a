import Resilience
import StreamIssuing

/// A command that prints a secret.
///
/// It runs without a shell, in the service's environment without the service's own settings, which hold secrets. Its
/// standard error is discarded, because it may contain anything.
public struct SecretCommand: Sendable {
    /// The text follows the command's name and quotes nothing that it printed.
    public struct Failure: Error, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// In bytes.
    static let outputLimit = 64 << 10

    /// They may contain secrets.
    private let arguments: [SecretText]
    private let timeout: Duration

    /// - Parameters:
    ///   - arguments: the program's absolute path first.
    ///   - timeout: after which it is killed, with all processes that it started.
    public init(_ arguments: [String], timeout: Duration) {
        self.arguments = arguments.map { SecretText($0) }
        self.timeout = timeout
    }

    /// Without its arguments: they may contain anything.
    public var name: String { "command \(arguments.first?.exposeSecret() ?? "")" }

    /// Runs it on the calling thread, which waits for its end.
    /// - Returns: all that it printed, which is not empty. The caller wipes it.
    public func output() throws(Failure) -> [UInt8] {
        let output: [UInt8]
        do {
            let child = try ChildProcess(arguments.map { $0.exposeSecret() })
            output = try child.output(limit: Self.outputLimit, by: Deadline(after: timeout))
        } catch {
            throw Failure(description: error.description)
        }
        guard !output.isEmpty else { throw Failure(description: "printed nothing") }
        return output
    }
}
