import StreamIssuing
import TestSupport
import Testing

@testable import PostgreSQLTrackStore

@Suite struct AccessQueryTests {
    /// PostgreSQL cuts a longer name, and two could become one.
    @Test func statementsOfDifferentTextsHaveDifferentNames() {
        let queries = [AccessQueries.plain, .withReplicaLag].flatMap {
            [$0.byID, $0.byIdentity, $0.waveformByID, $0.waveformByIdentity]
        }
        #expect(Set(queries.map(\.text)).count == 8 && Set(queries.map(\.name)).count == 8)
        for query in queries { #expect(query.name.hasPrefix("stream_access_") && query.name.utf8.count < 64) }
    }

    @Test func lagIsAskedOnlyWhereItIsLimited() {
        #expect(AccessOptions().queries.byID.name == AccessQueries.plain.byID.name)
        let limited = AccessOptions(replicaLag: ReplicaLagLimit(maximum: .seconds(1)))
        #expect(limited.queries.byID.name == AccessQueries.withReplicaLag.byID.name)
    }

    @Test(arguments: [Row("-3", -3), Row("0", 0), Row("5000", 5000), Row("unknown", nil)] as [Row<Int64?>])
    func anyLagIsAllowedWithoutALimit(_ row: Row<Int64?>) throws {
        try ReplicaLagLimit.off.check(row.value)
    }

    @Test(arguments: [Row("-3", -3), Row("0", 0), Row("5000", 5000)] as [Row<Int64>])
    func lagUpToTheLimitIsAllowed(_ row: Row<Int64>) throws {
        try ReplicaLagLimit(maximum: .seconds(5)).check(row.value)
    }

    @Test(
        arguments: [
            Row("5001ms", 5001), Row("75s", 75_432), Row("does not know how far", nil),
        ] as [Row<Int64?>])
    func greaterOrUnknownLagIsRefusedWithAReason(_ row: Row<Int64?>) {
        let error = #expect(throws: PostgreSQLError.self) {
            try ReplicaLagLimit(maximum: .seconds(5)).check(row.value)
        }
        #expect(error?.isWorthAnotherConnection == true && error?.unavailable.code == "replica_lag")
        let reason = error?.unavailable.reason ?? ""
        #expect(reason.contains(row.name) && reason.contains("NOVATUNE_DATABASE_REPLICA_LAG allows 5s"))
    }

    /// A schema without `user_identities` must not open the breaker for users who are named by ULID.
    @Test(arguments: [Row("42P01", true), Row("42501", true), Row("42703", false), Row("53300", false)])
    func missingTableConcernsIdentitiesOnly(_ row: Row<Bool>) throws {
        let identity = try #require(UserIdentity(issuer: "https://login.example.com/", subject: "4711"))
        let error = PostgreSQLError(sqlState: row.name)
        #expect(error.isLackOfIdentities(for: .identity(identity)) == row.value)
        #expect(!error.isLackOfIdentities(for: .id(try #require(ULID("01HXK5Z8J3QW9R7N2M4P6T8V0B")))))
    }

    /// Nor must one without `waveforms` for the audio of any track.
    @Test(arguments: [Row("42703", true), Row("42501", true), Row("42P01", true), Row("53300", false)])
    func missingColumnConcernsWaveformsOnly(_ row: Row<Bool>) {
        let error = PostgreSQLError(sqlState: row.name)
        #expect(error.isLackOfWaveforms(for: .waveform) == row.value && !error.isLackOfWaveforms(for: .audio))
    }

    @Test(arguments: [Row("26000", true), Row("42P05", true), Row("0A000", false), Row("42P01", false)])
    func poolersErrorsAreAboutTheStatementsName(_ row: Row<Bool>) {
        #expect(PostgreSQLError(sqlState: row.name).isAboutStatementName == row.value)
    }
}
