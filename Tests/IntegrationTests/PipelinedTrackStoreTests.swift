import EventLoop
import PostgreSQLTrackStore
import Resilience
import StreamIssuing
import TestSupport
import Testing

extension TrackTableTests {
    /// The one query on an event loop, against the real schema, as the responder's own role.
    @Suite struct PipelinedTrackStoreTests {
        private let stack = LiveStack.shared
        private let running = RunningLoop()

        /// A store with its loop's end.
        private final class Fixture: Sendable {
            let store: PipelinedTrackStore
            private let running: RunningLoop

            init(_ store: PipelinedTrackStore, _ running: RunningLoop) {
                self.store = store
                self.running = running
            }

            deinit {
                let closed = Locked(false)
                running.loop.execute { [store] in
                    store.close()
                    closed.withLock { $0 = true }
                }
                _ = eventually { closed.withLock { $0 } }
                store.stop(by: Deadline(after: .seconds(20)))
            }

            func ask(_ user: ULID, _ track: ULID, within limit: Duration = .seconds(60)) async -> Result<
                AccessFacts, Unavailable
            > {
                await running.run { [store] _ in
                    await store.answer(to: store.ask(user: user, track: track, by: .now.advanced(by: limit))).result
                }
            }

            /// All asked in one turn.
            func askAll(_ questions: [(ULID, ULID)], within limit: Duration = .seconds(60)) async -> [Result<
                AccessFacts, Unavailable
            >] {
                await running.run { [store] _ in
                    let asked = questions.map { store.ask(user: $0, track: $1, by: .now.advanced(by: limit)) }
                    var results: [Result<AccessFacts, Unavailable>] = []
                    for question in asked { results.append(await store.answer(to: question).result) }
                    return results
                }
            }
        }

        private func makeStore(
            _ conninfo: String? = nil, name: String = "novatune-pipelined", timeout: Duration = .seconds(2),
            options: AccessOptions = AccessOptions(), breaker: SharedBreaker = .neverOpening(), capacity: Int = 4096
        ) -> Fixture {
            var text = conninfo ?? stack["RESPONDER_DATABASE_URL"]
            if conninfo == nil { text += (text.contains("?") ? "&" : "?") + "application_name=\(name)" }
            return Fixture(
                PipelinedTrackStore(
                    running.loop, conninfo: SecretText(text), timeout: timeout, options: options, breaker: breaker,
                    capacity: capacity),
                running)
        }

        private func code(_ result: Result<AccessFacts, Unavailable>) -> String? {
            if case .failure(let failure) = result { failure.code } else { nil }
        }

        private func backends(_ name: String) throws -> Int {
            try #require(
                Int(try stack.psql("select count(*) from pg_stat_activity where application_name = '\(name)'")))
        }

        @Test(arguments: [
            AccessOptions(), AccessOptions(statements: .unnamed),
            AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
            AccessOptions(statements: .unnamed, replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
        ])
        func answersEqualThoseOfTheBlockingStore(options: AccessOptions) async throws {
            let blocking = PostgreSQLTrackStore(
                conninfo: SecretText(stack["RESPONDER_DATABASE_URL"]), timeout: .seconds(2), breaker: .neverOpening())
            let fixture = makeStore(options: options)
            let users = [
                stack.ulid("USER_ALICE"), stack.ulid("USER_BOB"), stack.ulid("USER_SUSPENDED"),
                stack.ulid("TRACK_MISSING"),
            ]
            let tracks = ["TRACK_READY", "TRACK_PROCESSING", "TRACK_DELETED", "TRACK_BOB", "TRACK_MISSING"].map {
                stack.ulid($0)
            }
            let questions = users.flatMap { user in tracks.map { (user, $0) } }
            let answers = await fixture.askAll(questions)
            for ((user, track), answer) in zip(questions, answers) {
                try blocking.ask(user: user, track: track, by: .now.advanced(by: .seconds(60)))
                #expect(try answer.get() == blocking.answer())
            }
        }

        @Test func thousandsOfQuestionsShareOneBackend() async throws {
            let fixture = makeStore(name: "novatune-many")
            let (alice, ready, bob) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"), stack.ulid("TRACK_BOB"))
            for round in 0..<5 {
                let answers = await fixture.askAll((0..<800).map { (alice, $0 % 3 == round % 3 ? bob : ready) })
                for (index, answer) in answers.enumerated() {
                    let facts = try answer.get()
                    #expect(
                        facts.track?.id == (index % 3 == round % 3 ? bob : ready)
                            && (facts.accessExpiresAt == nil) == (index % 3 == round % 3))
                }
            }
            #expect(try backends("novatune-many") == 1)
        }

        /// In a schema of its own, where one user's row fails the query.
        @Test func failedQuestionDoesNotAffectOthers() async throws {
            let database = "novatune_failing"
            _ = try? stack.psql("drop database \(database) with (force)")
            _ = try stack.psql("create database \(database)")
            defer { _ = try? stack.psql("drop database \(database) with (force)") }
            let url = stack["DATABASE_URL"].replacingDatabase(with: database)
            let failing = "01JTESTPGSTRE0000000000009"
            for statement in [
                "create schema novatune",
                """
                create function novatune.status(id text) returns text language plpgsql as
                'begin if id = ''\(failing)'' then raise exception ''no''; end if; return ''Active''; end'
                """,
                """
                create view novatune.users as select id as user_id, novatune.status(id) as status, 0::bigint as session_epoch,
                '-infinity'::timestamptz as tokens_valid_after from (values ('\(failing)'), ('01JTESTPGSTRE0000000000001')) v(id)
                """,
                """
                create table novatune.tracks(track_id text, user_id text, status text, version bigint, object_key text, mime_type text,
                file_size_bytes bigint)
                """,
                "create table novatune.track_grants(track_id text, grantee_id text, expires_at timestamptz)",
            ] { _ = try stack.psql(statement, on: url) }
            let fixture = makeStore(url)
            let (good, bad) = (try #require(ULID("01JTESTPGSTRE0000000000001")), try #require(ULID(failing)))
            let answers = await fixture.askAll((0..<40).map { ($0 % 10 == 3 ? bad : good, stack.ulid("TRACK_READY")) })
            for (index, answer) in answers.enumerated() {
                if index % 10 == 3 {
                    #expect(code(answer) == "sql_P0001")
                } else {
                    #expect(try answer.get().user?.status == .active)
                }
            }
        }

        @Test func lostIdleConnectionIsReplacedBeforeTheNextQuestion() async throws {
            let fixture = makeStore(name: "novatune-idle-loop")
            _ = try await fixture.ask(stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY")).get()
            let backend = "select pid from pg_stat_activity where application_name = 'novatune-idle-loop'"
            let first = try stack.psql(backend)
            // One that is lost sooner is not replaced, so that a server that closes each connection is left alone.
            let age = "select clock_timestamp() - backend_start > '1.2 s' from pg_stat_activity where pid = \(first)"
            #expect(eventually { (try? stack.psql(age)) == "t" })
            _ = try stack.psql("select pg_terminate_backend(\(first), 5000)")
            #expect(eventually { (try? stack.psql(backend)).map { !$0.isEmpty && $0 != first } ?? false })
        }

        @Test func terminatedBackendLosesNoQuestion() async throws {
            let fixture = makeStore(name: "novatune-killed")
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            for _ in 0..<5 {
                _ = try await fixture.ask(user, track).get()
                _ = try stack.psql(
                    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'novatune-killed'"
                )
                for answer in await fixture.askAll((0..<50).map { _ in (user, track) }) {
                    #expect(try answer.get().accessExpiresAt != nil)
                }
            }
        }

        @Test func lockedTableKeepsTheNumberOfBackendsConstant() async throws {
            let fixture = makeStore(name: "novatune-locked", timeout: .milliseconds(200))
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            _ = try await fixture.ask(user, track).get()
            let lock = try stack.beginHoldingLock(on: "novatune.tracks")
            for _ in 0..<8 {
                for answer in await fixture.askAll((0..<5).map { _ in (user, track) }, within: .milliseconds(500)) {
                    #expect(code(answer) == "timeout")
                }
            }
            // One that is used, and one whose cancellation is under way.
            #expect(try backends("novatune-locked") <= 3)
            lock.end()
            #expect(try await fixture.ask(user, track).get().accessExpiresAt != nil)
            #expect(eventually { (try? backends("novatune-locked")) == 1 })
        }

        @Test func statementIsPreparedAgainAfterAColumnChangedItsType() async throws {
            let fixture = makeStore()
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            _ = try await fixture.ask(user, track).get()
            defer { _ = try? stack.psql("alter table novatune.tracks alter column mime_type type text") }
            _ = try stack.psql("alter table novatune.tracks alter column mime_type type varchar(127)")
            for answer in await fixture.askAll((0..<20).map { _ in (user, track) }) {
                #expect(try answer.get().accessExpiresAt != nil)
            }
        }

        @Test(arguments: ["postgresql://unknown@127.0.0.1:1/none", "host=/nonexistent dbname=none"])
        func unreachableServerIsUnavailable(conninfo: String) async {
            let answers = await makeStore(conninfo).askAll(
                (0..<20).map { _ in (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY")) })
            #expect(answers.allSatisfy { code($0) == "connect" })
        }

        @Test func silentServerFailsEveryQuestionAndBlocksNoTurn() async {
            let server = UnhelpfulServer(.silent)
            let fixture = makeStore(
                "postgresql://unknown@127.0.0.1:\(server.port)/none", timeout: .milliseconds(100), capacity: 50)
            let answers = await fixture.askAll(
                (0..<60).map { _ in (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY")) })
            #expect(
                answers.count { code($0) == "timeout" } == 50 && answers.count { code($0) == "too_many_waiting" } == 10)
            #expect(fixture.store.unanswered == 0)
        }

        @Test func questionEndsWithItsRequestsDeadline() async {
            let server = UnhelpfulServer(.silent)
            let fixture = makeStore("postgresql://unknown@127.0.0.1:\(server.port)/none", timeout: .seconds(2))
            #expect(
                code(await fixture.ask(stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"), within: .milliseconds(50)))
                    == "timeout")
        }

        @Test func repeatedFailuresOfTheDatabaseOpenTheBreaker() async {
            let breaker = SharedBreaker.stayingOpen(afterFailures: 2)
            let fixture = makeStore("host=/nonexistent dbname=none", breaker: breaker)
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            for _ in 0..<2 { #expect(code(await fixture.ask(user, track)) == "connect") }
            #expect(code(await fixture.ask(user, track)) == "breaker_open" && breaker.state == .open)
        }

        @Test func closedStoreFailsEveryWaitingQuestion() async {
            let server = UnhelpfulServer(.silent)
            let fixture = makeStore("postgresql://unknown@127.0.0.1:\(server.port)/none", timeout: .milliseconds(300))
            let (user, track) = (stack.ulid("USER_ALICE"), stack.ulid("TRACK_READY"))
            let result = await running.run { _ in
                let question = fixture.store.ask(user: user, track: track, by: .now.advanced(by: .seconds(60)))
                fixture.store.close()
                return await fixture.store.answer(to: question).result
            }
            #expect(code(result) == "lost")
        }
    }
}
