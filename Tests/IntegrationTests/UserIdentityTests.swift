import EventLoop
import PostgreSQLTrackStore
import Resilience
import StreamIssuing
import TestSupport
import Testing

extension TrackTableTests {
    /// Users whom an identity provider names, by both stores, against the real schema and as the responder's own role.
    @Suite struct UserIdentityTests {
        private static let issuer = "https://identity-tests.example.com/"

        private let stack = LiveStack.shared
        private let running = RunningLoop()
        private let later = ContinuousClock.now.advanced(by: .seconds(600))

        /// - Parameter breaker: of the pipelined store.
        private func withStore(
            _ conninfo: String? = nil, options: AccessOptions = AccessOptions(),
            breaker: SharedBreaker = .neverOpening(), _ body: (PipelinedTrackStore) async throws -> Void
        ) async throws {
            let store = PipelinedTrackStore(
                running.loop, conninfo: SecretText(conninfo ?? stack["RESPONDER_DATABASE_URL"]), timeout: .seconds(2),
                options: options, breaker: breaker)
            let result: Result<Void, any Error>
            do { result = .success(try await body(store)) } catch { result = .failure(error) }
            await running.run { _ in store.close() }
            store.stop(by: Deadline(after: .seconds(20)))
            try result.get()
        }

        private func answer(_ store: PipelinedTrackStore, _ user: UserReference, _ track: ULID) async -> Result<
            AccessFacts, Unavailable
        > {
            let later = later
            return await running.run { _ in
                await store.answer(to: store.ask(user: user, track: track, by: later)).result
            }
        }

        /// The answer of both stores, which must be the same.
        private func facts(
            _ store: PipelinedTrackStore, _ subject: String, _ track: ULID, options: AccessOptions = AccessOptions()
        ) async throws -> AccessFacts {
            let user = UserReference.identity(
                try #require(UserIdentity(issuer: Self.issuer, subject: subject)))
            let blocking = PostgreSQLTrackStore(
                conninfo: SecretText(stack["RESPONDER_DATABASE_URL"]), timeout: .seconds(2), options: options,
                breaker: .neverOpening())
            try blocking.ask(user: user, track: track, by: later)
            let expected = try blocking.answer()
            let facts = try await answer(store, user, track).get()
            #expect(facts == expected)
            return facts
        }

        private func link(_ subject: String, _ user: String) throws {
            _ = try stack.psql("select novatune.link_identity('\(Self.issuer)', '\(subject)', '\(stack[user])')")
        }

        private func unlink(_ subject: String) throws {
            #expect(try stack.psql("select novatune.unlink_identity('\(Self.issuer)', '\(subject)')") == "t")
        }

        private func unlinkAll() {
            _ = try? stack.psql("delete from novatune.user_identities where issuer = '\(Self.issuer)'")
        }

        @Test(arguments: [
            AccessOptions(), AccessOptions(statements: .unnamed),
            AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
            AccessOptions(statements: .unnamed, replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
        ])
        func identityHasTheAnswersOfItsUser(options: AccessOptions) async throws {
            defer { unlinkAll() }
            let subjects = [
                "USER_ALICE": "auth0|alice", "USER_BOB": "f47ac10b-58cc", "USER_SUSPENDED": "\u{E9}\u{1F3B5}",
            ]
            for (user, subject) in subjects { try link(subject, user) }
            try await withStore(options: options) { store in
                for (user, subject) in subjects {
                    for track in ["TRACK_READY", "TRACK_PROCESSING", "TRACK_DELETED", "TRACK_BOB", "TRACK_MISSING"] {
                        let track = stack.ulid(track)
                        let facts = try await facts(store, subject, track, options: options)
                        #expect(facts.user?.id == stack.ulid(user))
                        #expect(try await answer(store, .id(stack.ulid(user)), track).get() == facts)
                    }
                }
            }
        }

        @Test(arguments: [
            AccessOptions(), AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
        ])
        func unknownIdentityIsNoUser(options: AccessOptions) async throws {
            defer { unlinkAll() }
            try link("\u{E9}", "USER_ALICE")
            let track = stack.ulid("TRACK_READY")
            try await withStore(options: options) { store in
                for subject in ["stranger-4711", "e\u{301}", "É", stack["USER_ALICE"], "' or true --"] {
                    let facts = try await facts(store, subject, track, options: options)
                    #expect(facts.user == nil && facts.track == nil)
                }
                let known = try await facts(store, "\u{E9}", track, options: options)
                #expect(known.user?.id == stack.ulid("USER_ALICE"))
            }
        }

        /// What is committed before a question decides its answer.
        @Test func eachCommitAppliesToTheNextQuestion() async throws {
            defer { unlinkAll() }
            let track = stack.ulid("TRACK_READY")
            try await withStore { store in
                for _ in 0..<10 {
                    #expect(try await facts(store, "moving", track).user == nil)
                    try link("moving", "USER_ALICE")
                    let alices = try await facts(store, "moving", track)
                    #expect(alices.user?.id == stack.ulid("USER_ALICE") && alices.accessExpiresAt != nil)
                    try unlink("moving")
                    #expect(try await facts(store, "moving", track).user == nil)
                    try link("moving", "USER_BOB")
                    let bobs = try await facts(store, "moving", track)
                    #expect(bobs.user?.id == stack.ulid("USER_BOB") && bobs.accessExpiresAt == nil)
                    try unlink("moving")
                }
            }
        }

        /// In a database as it is before the change `user_identities`.
        @Test(arguments: [AccessOptions(), AccessOptions(statements: .unnamed)])
        func schemaWithoutIdentitiesServesUsersWhoAreNamedByULID(options: AccessOptions) async throws {
            let database = "novatune_before_identities"
            _ = try? stack.psql("drop database \(database) with (force)")
            _ = try stack.psql("create database \(database)")
            defer { _ = try? stack.psql("drop database \(database) with (force)") }
            let url = stack["DATABASE_URL"].replacingDatabase(with: database)
            let user = stack.ulid("USER_ALICE")
            for statement in [
                "create schema novatune",
                """
                create table novatune.users as select text '\(user)' as user_id, text 'Active' as status,
                0::bigint as session_epoch, '-infinity'::timestamptz as tokens_valid_after
                """,
                """
                create table novatune.tracks(track_id text, user_id text, status text, version bigint, object_key text,
                mime_type text, file_size_bytes bigint)
                """,
                "create table novatune.track_grants(track_id text, grantee_id text, expires_at timestamptz)",
            ] { try stack.psql(statement, on: url) }
            let identity = UserReference.identity(try #require(UserIdentity(issuer: Self.issuer, subject: "alice")))
            let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
            try await withStore(url, options: options, breaker: breaker) { store in
                for _ in 0..<3 {
                    guard case .failure(let failure) = await answer(store, identity, stack.ulid("TRACK_READY")) else {
                        throw Unexpected()
                    }
                    #expect(failure.code == "sql_42P01" && failure.reason.contains("deploy sql/"))
                    #expect(
                        try await answer(store, .id(user), stack.ulid("TRACK_READY")).get().user?.status == .active)
                    #expect(breaker.state == .closed)
                }
                // Deployed meanwhile: the next question finds it, on the same connection.
                try stack.psql(
                    "create table novatune.user_identities(issuer text, subject text, user_id text)", on: url)
                #expect(try await answer(store, identity, stack.ulid("TRACK_READY")).get().user == nil)
                try stack.psql(
                    "insert into novatune.user_identities values ('\(Self.issuer)', 'alice', '\(user)')", on: url)
                #expect(try await answer(store, identity, stack.ulid("TRACK_READY")).get().user?.id == user)
            }
        }

        private struct Unexpected: Error {}
    }
}
