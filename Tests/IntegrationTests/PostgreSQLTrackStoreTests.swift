import PostgreSQLTrackStore
import Resilience
import StreamIssuing
import TestSupport
import Testing

extension TrackTableTests {
    /// The one query against the real schema, as the responder's own role.
    @Suite struct PostgreSQLTrackStoreTests {
        private let stack = LiveStack.shared
        private let later = ContinuousClock.now.advanced(by: .seconds(600))

        private func makeStore(
            _ conninfo: String? = nil, timeout: Duration = .seconds(2), options: AccessOptions = AccessOptions(),
            breaker: SharedBreaker = .neverOpening()
        ) -> PostgreSQLTrackStore {
            PostgreSQLTrackStore(
                conninfo: SecretText(conninfo ?? stack["RESPONDER_DATABASE_URL"]), timeout: timeout, options: options,
                breaker: breaker)
        }

        private func facts(_ store: PostgreSQLTrackStore, _ user: ULID, _ track: ULID) throws -> AccessFacts {
            try store.ask(user: user, track: track, by: later)
            return try store.answer()
        }

        @Test func readyTrackOfItsOwnerIsComplete() throws {
            let facts = try facts(makeStore(), stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            #expect(facts.user?.status == .active)
            #expect(facts.user?.tokensValidAfterMicroseconds == .min)
            #expect(facts.accessExpiresAt != nil)
            let track = try #require(facts.track)
            #expect(track.status == .ready)
            #expect(track.id == stack.ulid("TRACK_READY"))
            #expect(track.mimeType == "audio/mpeg")
            #expect(track.version >= 1)
            #expect(track.sizeInBytes > 1000)
            #expect(track.objectKey.exposeSecret().hasSuffix(".mp3"))
        }

        @Test(arguments: ["TRACK_PROCESSING": "Processing", "TRACK_DELETED": "Deleted", "TRACK_FAILED": "Failed"])
        func statusIsSpelledAsInTheAPI(name: String, status: String) throws {
            #expect(try facts(makeStore(), stack.ulid("USER_ALICE"), stack.ulid(name)).track?.status.rawValue == status)
        }

        @Test func trackOfAnotherUserIsNotAccessible() throws {
            let facts = try facts(makeStore(), stack.ulid("USER_ALICE"), stack.ulid("TRACK_BOB"))
            #expect(facts.track != nil)
            #expect(facts.accessExpiresAt == nil)
        }

        @Test(arguments: [AccessOptions(), AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1)))])
        func missingTrackAndMissingUserAreNil(options: AccessOptions) throws {
            let store = makeStore(options: options)
            let missingTrack = try facts(store, stack.ulid("USER_ALICE"), stack.ulid("TRACK_MISSING"))
            #expect(missingTrack.user?.status == .active)
            #expect(missingTrack.track == nil)
            #expect(missingTrack.accessExpiresAt == nil)
            #expect(try facts(store, stack.ulid("TRACK_MISSING"), stack.ulid("TRACK_READY")).user == nil)
        }

        @Test func grantHoldsUntilItExpires() throws {
            let (bob, track) = (stack.ulid("USER_BOB"), stack.ulid("TRACK_READY"))
            let store = makeStore()
            defer {
                _ = try? stack.psql(
                    "delete from novatune.track_grants where track_id = '\(track)' and grantee_id = '\(bob)'")
            }
            _ = try stack.psql(
                "insert into novatune.track_grants(track_id, grantee_id, expires_at) values ('\(track)', '\(bob)', now() + interval '1 hour')"
            )
            #expect(try facts(store, bob, track).accessExpiresAt != nil)
            _ = try stack.psql(
                "update novatune.track_grants set expires_at = now() - interval '1 second' where track_id = '\(track)'")
            #expect(try facts(store, bob, track).accessExpiresAt == nil)
        }

        @Test func logoutTimeIsInUnixMicroseconds() throws {
            let user = "01JTESTPGSTRE0000000000001"
            defer { _ = try? stack.psql("delete from novatune.users where user_id = '\(user)'") }
            _ = try stack.psql(
                "insert into novatune.users(user_id, status, tokens_valid_after) values ('\(user)', 'Active', '2026-01-08 12:30:00.000001+00')"
            )
            let facts = try facts(makeStore(), try #require(ULID(user)), stack.ulid("TRACK_READY"))
            #expect(facts.user?.tokensValidAfterMicroseconds == 1_767_875_400_000_001)
        }

        @Test func lostConnectionIsReplacedWithoutLosingTheRequest() throws {
            let store = makeStore("\(stack["RESPONDER_DATABASE_URL"])&application_name=novatune-lost".fixingQuery)
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            _ = try facts(store, user, track)
            for _ in 0..<5 {
                let killed = try stack.psql(
                    "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where application_name = 'novatune-lost'"
                )
                #expect(killed == "1")
                #expect(try facts(store, user, track).accessExpiresAt != nil)
            }
        }

        @Test func connectionLostBetweenQuestionAndAnswerIsReplaced() throws {
            let store = makeStore("\(stack["RESPONDER_DATABASE_URL"])&application_name=novatune-between".fixingQuery)
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            try store.ask(user: user, track: track, by: later)
            _ = try stack.psql(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'novatune-between'"
            )
            #expect(try store.answer().accessExpiresAt != nil)
        }

        /// Each connection asks for the string, as where its password has been changed.
        @Test func nextConnectionUsesTheStringThatHoldsThen() throws {
            let source = ChangingString("host=/nonexistent dbname=none")
            let store = PostgreSQLTrackStore(conninfo: source, timeout: .seconds(2), breaker: .neverOpening())
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            #expect(throws: Unavailable.self) { try facts(store, user, track) }
            source.text.withLock { $0 = stack["RESPONDER_DATABASE_URL"] }
            #expect(try facts(store, user, track).accessExpiresAt != nil)
        }

        private final class ChangingString: ConnectionStringSource {
            let text: Locked<String>
            init(_ text: String) { self.text = Locked(text) }
            var current: SecretText { SecretText(text.withLock { $0 }) }
        }

        @Test func primaryHasNoLag() throws {
            let store = makeStore()
            _ = try facts(store, stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            #expect(store.replicaLag() == nil)
        }

        @Test func preferenceForAStandbyTakesThePrimaryWhereThereIsNone() throws {
            let (directory, port) = (stack["PG_DIR"], stack["PG_PORT"])
            let store = makeStore(
                "host=\(directory),/nonexistent port=\(port),1 user=novatune_responder dbname=novatune "
                    + "target_session_attrs=prefer-standby")
            #expect(try facts(store, stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY")).accessExpiresAt != nil)
        }

        @Test func secondServerIsUsedWhereTheFirstIsSilent() throws {
            let silent = UnhelpfulServer(.silent)
            let (directory, port) = (stack["PG_DIR"], stack["PG_PORT"])
            let store = makeStore(
                "host=127.0.0.1,\(directory) port=\(silent.port),\(port) user=novatune_responder dbname=novatune",
                timeout: .milliseconds(600))
            #expect(try facts(store, stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY")).accessExpiresAt != nil)
        }

        @Test func statementIsPreparedAgainAfterAColumnChangedItsType() throws {
            let store = makeStore()
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            #expect(try facts(store, user, track).accessExpiresAt != nil)
            defer { _ = try? stack.psql("alter table novatune.tracks alter column mime_type type text") }
            _ = try stack.psql("alter table novatune.tracks alter column mime_type type varchar(127)")
            #expect(try facts(store, user, track).accessExpiresAt != nil)
        }

        @Test func retryEndsWithTheRequestsDeadline() {
            let server = UnhelpfulServer(.silent)
            let store = makeStore("postgresql://unknown@127.0.0.1:\(server.port)/none", timeout: .seconds(600))
            #expect {
                try store.ask(
                    user: stack.ulid("USER_ALICE"), track: stack.ulid("TRACK_READY"),
                    by: .now.advanced(by: .milliseconds(100)))
            } throws: { error in
                (error as? Unavailable)?.code == "timeout"
            }
        }

        @Test(arguments: ["utter nonsense", "postgresql://u:hunter2%zz@h/d", "host=h password=correct horse"])
        func unreadableConnectionStringIsNotValid(conninfo: String) {
            #expect(!PostgreSQLTrackStore.isValid(conninfo: SecretText(conninfo)))
        }

        @Test func silentServerEndsAfterTwoTimeouts() {
            let server = UnhelpfulServer(.silent)
            let store = makeStore("postgresql://unknown@127.0.0.1:\(server.port)/none", timeout: .milliseconds(100))
            #expect {
                try store.ask(user: stack.ulid("USER_ALICE"), track: stack.ulid("TRACK_READY"), by: later)
            } throws: { error in
                (error as? Unavailable)?.code == "timeout"
            }
        }

        @Test(arguments: ["postgresql://unknown@127.0.0.1:1/none", "host=/nonexistent dbname=none"])
        func unreachableServerIsUnavailable(conninfo: String) {
            #expect {
                try makeStore(conninfo).ask(user: stack.ulid("USER_ALICE"), track: stack.ulid("TRACK_READY"), by: later)
            } throws: {
                error in
                (error as? Unavailable)?.code == "connect"
            }
        }

        @Test func breakerStaysOpenUntilTheProbeAfterRepeatedFailures() throws {
            let clock = ManualClock()
            let breaker = SharedBreaker(
                CircuitBreaker.Policy(failureLimit: 2, openDuration: .seconds(30)), now: { clock.now })
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            let dead = makeStore("host=/nonexistent dbname=none", breaker: breaker)
            for _ in 0..<2 { #expect(throws: Unavailable.self) { try dead.ask(user: user, track: track, by: later) } }
            let living = makeStore(timeout: .seconds(20), breaker: breaker)
            #expect { try living.ask(user: user, track: track, by: later) } throws: { error in
                guard let error = error as? Unavailable else { return false }
                return error.code == "breaker_open" && error.retryAfterSeconds == 1
            }
            clock.advance(by: .seconds(1))
            _ = try facts(living, user, track)
            #expect(breaker.state == .closed)
        }

        @Test func missingUserAndTrackAreNoFailures() throws {
            let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
            let missing = stack.ulid("TRACK_MISSING")
            #expect(try facts(makeStore(breaker: breaker), missing, missing).user == nil)
            #expect(breaker.state == .closed)
        }

        @Test func wrongPasswordIsNamedWithoutThePassword() {
            let conninfo =
                "host=127.0.0.1 port=\(stack["PG_PORT"]) user=novatune_responder dbname=novatune password=CANARYpassword"
            #expect {
                try makeStore(conninfo).ask(user: stack.ulid("USER_ALICE"), track: stack.ulid("TRACK_READY"), by: later)
            } throws: {
                error in
                guard let error = error as? Unavailable else { return false }
                return error.code == "connect" && !error.description.contains("CANARY")
            }
        }

        @Test func errorForAMissingSchemaNamesTheRemedy() {
            let store = makeStore(stack["DATABASE_URL"].replacingDatabase(with: "template1"))
            #expect {
                try store.ask(user: stack.ulid("USER_ALICE"), track: stack.ulid("TRACK_READY"), by: later)
            } throws: { error in
                (error as? Unavailable)?.reason.contains("deploy sql/") ?? false
            }
        }
    }
}

extension String {
    /// The first parameter of a URI starts with `?`.
    fileprivate var fixingQuery: String {
        contains("?") ? self : replacing("&", with: "?", maxReplacements: 1)
    }

    /// A URI with one more parameter.
    func adding(_ parameter: String) -> String { self + (contains("?") ? "&" : "?") + parameter }

    func replacingDatabase(with name: String) -> String {
        let (path, query) = (prefix { $0 != "?" }, drop { $0 != "?" })
        return path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex) + name + query
    }
}
