import ArgumentParser

/// Tokens for development, and why one is refused.
struct Token: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Mint a bearer token for development, or explain one.",
        subcommands: [MintToken.self, ExplainToken.self],
        defaultSubcommand: MintToken.self
    )
}
