import StreamIssuing

/// A program to run, without a shell. No secret is an argument.
struct ExternalCommand: Sendable {
    let program: String
    var arguments: [String] = []
    /// Beside `PATH`, `HOME` and `LC_ALL`; values may be secrets.
    var environment: [String: String] = [:]
    /// At most 32 KiB; may hold secrets.
    var input = ""
    /// Nil for the account of setup.
    var account: String?
    var timeout: Duration = .seconds(60)

    /// As an operator would write it, without what it is given.
    var name: String { ([program] + arguments.prefix { !$0.hasPrefix("-") }.prefix(1)).joined(separator: " ") }

    /// The Debian packages that have programs that setup calls.
    static let packages = [
        "nginx": "nginx", "openssl": "openssl", "psql": "postgresql-client", "runuser": "util-linux",
        "sqitch": "sqitch libdbd-pg-perl", "systemctl": "systemd", "systemd-sysusers": "systemd",
    ]
}

/// What a program has printed.
struct CommandOutput: Sendable, Equatable {
    var status: Int32 = 0
    var text = ""
    var errors = ""

    /// The last lines of its errors, else of its output, in one line.
    func lastLines(_ count: Int = 4) -> String {
        let lines = (errors.isEmpty ? text : errors).split(whereSeparator: \.isNewline)
        return lines.suffix(count).map { $0.split(separator: " ").joined(separator: " ") }.joined(separator: " | ")
    }
}

/// Runs other programs; tests replace it.
protocol CommandRunning {
    /// - Throws: where it cannot be started, or does not end in time.
    func output(_ command: ExternalCommand) throws(SetupFailure) -> CommandOutput
}

extension CommandRunning {
    /// What it prints, once it has succeeded.
    /// - Parameter advice: what the operator does where it fails.
    @discardableResult
    func run(_ command: ExternalCommand, advice: String) throws(SetupFailure) -> String {
        let output = try output(command)
        guard output.status == 0 else {
            let words = output.lastLines()
            throw SetupFailure(
                "\(command.name) ended with status \(output.status)\(words.isEmpty ? "" : ": \(words)")", advice: advice
            )
        }
        return output.text
    }
}
