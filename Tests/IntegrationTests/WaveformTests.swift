import EventLoop
import PostgreSQLTrackStore
import Resilience
import StreamIssuing
import TestSupport
import Testing

extension TrackTableTests {
    /// Questions about waveforms, as the responder's own role.
    @Suite struct WaveformTests {
        private let stack = LiveStack.shared
        private let running = RunningLoop()

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

        private func answer(_ store: PipelinedTrackStore, _ track: ULID, _ part: TrackPart) async -> Result<
            AccessFacts, Unavailable
        > {
            let user = stack.ulid("USER_ALICE")
            return await running.run { _ in
                let question = store.ask(
                    user: .id(user), track: track, part: part, by: .now.advanced(by: .seconds(60)))
                return await store.answer(to: question).result
            }
        }

        @Test(arguments: [
            AccessOptions(), AccessOptions(statements: .unnamed),
            AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1))),
        ])
        func waveformIsNamedInThePlaceOfTheAudio(options: AccessOptions) async throws {
            try await withStore(options: options) { store in
                let audio = try await answer(store, stack.ulid("TRACK_READY"), .audio).get()
                let waveform = try await answer(store, stack.ulid("TRACK_READY"), .waveform).get()
                let track = try #require(waveform.track)
                #expect(track.part == .waveform && track.mimeType == "application/json" && track.sizeInBytes == 0)
                #expect(track.objectKey.exposeSecret().hasPrefix("waveforms/"))
                #expect(audio.track?.part == .audio && audio.track?.objectKey != track.objectKey)
                #expect(waveform.user == audio.user && waveform.accessExpiresAt == audio.accessExpiresAt)
                #expect(track.version == audio.track?.version && track.ownerID == audio.track?.ownerID)
                let none = try await answer(store, stack.ulid("TRACK_LONG"), .waveform).get()
                #expect(none.track?.objectKey.exposeSecret() == "" && none.accessExpiresAt != nil)
            }
        }

        /// In a database as it is before the change `waveforms`.
        @Test(arguments: [AccessOptions(), AccessOptions(statements: .unnamed)])
        func schemaWithoutWaveformsServesAudio(options: AccessOptions) async throws {
            let database = "novatune_before_waveforms"
            _ = try? stack.psql("drop database \(database) with (force)")
            _ = try stack.psql("create database \(database)")
            defer { _ = try? stack.psql("drop database \(database) with (force)") }
            let url = stack["DATABASE_URL"].replacingDatabase(with: database)
            let user = stack.ulid("USER_ALICE"), track = stack.ulid("TRACK_READY")
            for statement in [
                "create schema novatune",
                """
                create table novatune.users as select text '\(user)' as user_id, text 'Active' as status,
                0::bigint as session_epoch, '-infinity'::timestamptz as tokens_valid_after
                """,
                """
                create table novatune.tracks as select text '\(track)' as track_id, text '\(user)' as user_id,
                text 'Ready' as status, 1::bigint as version, text 'k' as object_key, text 'audio/mpeg' as mime_type,
                1::bigint as file_size_bytes
                """,
                "create table novatune.track_grants(track_id text, grantee_id text, expires_at timestamptz)",
                "create table novatune.user_identities(issuer text, subject text, user_id text)",
            ] { try stack.psql(statement, on: url) }
            let breaker = SharedBreaker(CircuitBreaker.Policy(failureLimit: 1))
            try await withStore(url, options: options, breaker: breaker) { store in
                for _ in 0..<3 {
                    guard case .failure(let failure) = await answer(store, track, .waveform) else { throw Unexpected() }
                    #expect(failure.code == "sql_42703" && failure.reason.contains("change waveforms"))
                    #expect(try await answer(store, track, .audio).get().track?.objectKey == "k")
                    #expect(breaker.state == .closed)
                }
                // Deployed meanwhile: the next question finds it, on the same connection.
                try stack.psql("alter table novatune.tracks add waveform_object_key text", on: url)
                #expect(try await answer(store, track, .waveform).get().track?.objectKey == "")
                try stack.psql("update novatune.tracks set waveform_object_key = 'w'", on: url)
                #expect(try await answer(store, track, .waveform).get().track?.objectKey == "w")
            }
        }

        private struct Unexpected: Error {}
    }
}
