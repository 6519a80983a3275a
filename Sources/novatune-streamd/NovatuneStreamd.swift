import ArgumentParser
import Cryptography
import Glibc
import KeyManagement

/// The program: one subcommand a file under `Commands`.
@main
struct NovatuneStreamd: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "novatune-streamd",
        abstract: "Issues short-lived stream URLs to music players: a FastCGI responder behind nginx.",
        discussion: """
            Settings are environment variables, or the same names in a file given by --config; the environment wins. \
            See 'novatune-streamd settings' for all of them and 'novatune-streamd check' to try them.
            """,
        version: Version.text(),
        subcommands: [
            Serve.self, Check.self, Health.self, ShowSettings.self, Keys.self, Top.self, Invalidate.self, Revoke.self,
            Authorize.self, Token.self, Setup.self, Plan.self,
        ],
        defaultSubcommand: Serve.self
    )

    static func main() {
        OpenSSLCleanup.leaveToProcessEnd()
        // Before the first secret is read, whatever the command.
        ProcessMemory.keepPrivate()
        ProcessMemory.crashWithoutReport()
        // The process inherits the service manager's setting. Where it ignores SIGCHLD, waiting for the command that
        // prints a key ring fails.
        _ = signal(SIGCHLD, SIG_DFL)
        main(nil)
    }
}
