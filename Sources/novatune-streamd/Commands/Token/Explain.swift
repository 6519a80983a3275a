import ArgumentParser
import BearerTokens
import Cryptography
import Glibc
import OperatorSettings
import ProviderKeys
import StreamIssuing

/// Prints the checks of a token one by one.
struct ExplainToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Print why a bearer token is accepted or refused.",
        discussion: """
            Reads the token from standard input, with or without the word Bearer before it, and prints one line for \
            each check: 'ok', 'failed' or 'skipped', with the claim and the setting that disagree. It needs the \
            settings of tokens alone, fetches a provider's keys where the settings name their address, and asks no \
            other service. It prints neither the token nor its signature, and of the claim that names the user only its kind.

            EXAMPLE: novatune-streamd token explain --config /etc/novatune/novatune.env <token.txt

            EXIT CODES: 0 the token is accepted; 1 it is refused; 69 the provider does not answer; 78 settings are not \
            valid.
            """
    )

    @OptionGroup var options: SettingsOptions

    func run() throws {
        guard isatty(STDIN_FILENO) == 0 else {
            throw ValidationError("the token comes from standard input: novatune-streamd token explain <token.txt")
        }
        guard var token = Self.standardInput() else {
            throw ValidationError("standard input is longer than any token")
        }
        defer { token.wipe() }
        let source = options.source
        let tokens = try SettingsOptions.reportingErrors { () throws(SettingsError) in
            try SettingsReader.readTokens(source, keySets: ProviderKeySets(clock: SystemClock(), isStoring: false))
        }
        for failure in tokens.failures {
            Console.error("\(failure.location.description): \(failure.failure)")
        }
        let explanation = TokenExplanation(
            Self.trimmed(token), tokens.accepted, at: SystemClock().now)
        for step in explanation.steps {
            Console.print("\(Self.padded(step.check, 11))\(Self.padded(step.verdict.rawValue, 9))\(step.detail)")
        }
        guard let rejection = explanation.rejection else { return Console.print("accepted") }
        Console.print("refused: \(rejection.rawValue)")
        throw ExitCode(1)
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    /// Without blanks around it, and without `Bearer`.
    private static func trimmed(_ text: [UInt8]) -> [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        let words = text.split(whereSeparator: isBlank)
        let scheme = words.first.map { String(decoding: $0, as: UTF8.self).lowercased() }
        // More words are no token: they are checked, and refused, as one.
        let rest =
            scheme == "bearer" || scheme == "authorization:" ? words.dropFirst(scheme == "bearer" ? 1 : 2) : words[...]
        return Array(rest.joined(separator: [0x20]))
    }

    /// Nil where there is more than any token has.
    private static func standardInput() -> [UInt8]? {
        let limit = 1 << 17
        var bytes: [UInt8] = []
        bytes.reserveCapacity(limit)
        var chunk = [UInt8](repeating: 0, count: 4096)
        defer { chunk.wipe() }
        while bytes.count < limit - chunk.count {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(STDIN_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return bytes }
            bytes.append(contentsOf: chunk[..<count])
        }
        return nil
    }
}
