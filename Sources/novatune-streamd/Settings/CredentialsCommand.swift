import Cryptography
import KeyManagement
import SigV4
import StreamIssuing

/// Credentials that a command prints, as `credential_process` in `~/.aws/config` names one ("Process credential
/// provider", AWS SDKs and Tools Reference Guide).
struct CredentialsCommand {
    /// A command may ask a person's token or a slow service. With the times of a key ring's command and of KMS it is less
    /// than the 90 s that systemd waits for a start.
    static let timeLimit: Duration = .seconds(60)

    private let command: SecretCommand

    /// - Parameters:
    ///   - arguments: the program's absolute path first.
    ///   - timeout: after which it is killed.
    init(_ arguments: [String], timeout: Duration = timeLimit) {
        command = SecretCommand(arguments, timeout: timeout)
    }

    /// The program's absolute path and its arguments; nil where the text is not a command line of one.
    static func arguments(_ text: String) -> [String]? {
        let words = text.first == "[" ? CommandLineText.arguments(text) : ShellWords.split(text)
        guard let words, words.first?.hasPrefix("/") == true else { return nil }
        return words
    }

    /// Runs the command. A failure may be temporary: the command may call a service.
    func credentials(at now: UnixTime) throws(CredentialsService.Failure) -> Credentials {
        var output: [UInt8]
        do { output = try command.output() } catch { throw failure("\(error)") }
        defer { output.wipe() }
        let credentials: Credentials
        do { credentials = try CredentialsDocument(json: output).credentials } catch {
            throw failure("printed no credentials: \(error)")
        }
        if let end = credentials.expiration, end <= now {
            throw failure("printed credentials that expired at \(end.rfc3339)")
        }
        return credentials
    }

    private func failure(_ reason: String) -> CredentialsService.Failure {
        CredentialsService.Failure(description: "\(command.name) \(reason)", isTemporary: true)
    }
}
