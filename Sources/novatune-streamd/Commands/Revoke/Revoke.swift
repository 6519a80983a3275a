import ArgumentParser

/// URLs that players have are taken back at the store.
struct Revoke: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take back the URLs of tracks that were deleted, at the store.",
        discussion: """
            Without a subcommand it runs: it tags the objects of tracks that have left Ready, removes the tag where a \
            track is Ready again, and a policy of the store ('revoke policy') denies what is tagged. See 'novatune-streamd \
            revoke run --help'.
            """,
        subcommands: [RevokeRun.self, RevokePolicy.self],
        defaultSubcommand: RevokeRun.self
    )
}
