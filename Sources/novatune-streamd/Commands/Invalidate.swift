import ArgumentParser
import PostgreSQLTrackStore
import SealedCache
import StreamIssuing

/// Invalidates cached URLs by hand.
struct Invalidate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove a user's stream URLs from every cache.",
        discussion: """
            Empties the shared cache, and notifies all responders through the database, as the triggers of sql/ do. A \
            commit in the database needs no call of this command: its triggers notify the responders. It is for other \
            services, whose changes the database does not see.

            Needs NOVATUNE_DATABASE_URL and the responders' NOVATUNE_CACHE_URL and NOVATUNE_CACHE_PREFIX, in the \
            environment or in the file given by --config.

            EXAMPLES:
              novatune-streamd invalidate --user 01HXK… --reason logout
              novatune-streamd invalidate --user 01HXK… --track 01HXK… --reason deletion

            EXIT CODES: 0 done; 1 the database or the cache does not answer; 64 the command line is not valid; 78 \
            settings are not valid.
            """
    )

    @Option(name: .long, help: ArgumentHelp("The user's ULID.", valueName: "ulid"))
    var user: String

    @Option(
        name: .long, help: ArgumentHelp("The track's ULID; without it, all of the user's tracks.", valueName: "ulid"))
    var track: String?

    @Option(
        name: .long,
        help: ArgumentHelp("deletion, logout or status_change; counted by the responders.", valueName: "reason"))
    var reason: String

    @OptionGroup var options: SettingsOptions

    func run() throws {
        let invalidation = try invalidation()
        let (database, cache) = try settings()
        // Empty the shared cache first: the notified responders would empty it, and there would be nothing left to
        // count.
        let isRemoved = emptySharedCache(invalidation.scope, cache)
        let isNotified = notifyResponders(invalidation, database)
        if !isNotified || !isRemoved { throw ExitCode.failure }
    }

    private func invalidation() throws -> Invalidation {
        guard let reason = Invalidation.Reason(rawValue: reason) else {
            throw ValidationError(
                "--reason is not one of \(Invalidation.Reason.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        guard let userID = ULID(user) else { throw ValidationError("--user is not a ULID of 26 characters") }
        guard let track else { return Invalidation(.user(userID), reason: reason) }
        guard let trackID = ULID(track) else { throw ValidationError("--track is not a ULID of 26 characters") }
        return Invalidation(.track(user: userID, track: trackID), reason: reason)
    }

    private func settings() throws -> (DatabaseSettings, CacheSettings) {
        try SettingsOptions.reportingErrors { () throws(SettingsError) in
            try SettingsReader.readInvalidation(options.source)
        }
    }

    private func notifyResponders(_ invalidation: Invalidation, _ database: DatabaseSettings) -> Bool {
        do {
            try InvalidationSender.send(
                invalidation, conninfo: database.subscriberAddress.text, timeout: database.timeout)
            Console.print("notified the subscribed responders")
            return true
        } catch {
            Console.error("the responders were not notified: \(error)")
            return false
        }
    }

    private func emptySharedCache(_ scope: Invalidation.Scope, _ cache: CacheSettings) -> Bool {
        // A cache in a responder's process is emptied by the responder.
        guard case .server(let server) = cache.url else { return true }
        let store = CurrentServer(server).makeStore(
            timeout: cache.timeout, longestTimeToLive: .zero, clock: SystemClock())
        do {
            let removed = try CacheInvalidator(store: store, prefix: cache.prefix).remove(scope)
            Console.print("removed \(removed) \(removed == 1 ? "entry" : "entries") from \(server)")
            return true
        } catch {
            Console.error("\(server) was not emptied: \(error)")
            return false
        }
    }
}
