import Resilience
import StreamIssuing
import Testing

@testable import PostgreSQLTrackStore

/// The list against the live database, on a table of the stack that no process reads meanwhile.
@Suite(.serialized) struct UserRevocationListTests {
    private let stack = LiveStack.shared

    private func list(limit: Int64 = 100_000) -> UserRevocationList {
        UserRevocationList(
            conninfo: SecretText(stack["DATABASE_URL"]), limit: limit, timeout: .seconds(20), stop: StopSignal())
    }

    private func insert(_ numbers: ClosedRange<Int>, objectKey: String = "null") throws {
        _ = try stack.psql(
            """
            insert into novatune.user_revocations (user_id, session_epoch, track_id, object_key)
            select lpad(n::text, 26, '0'), case when k is null then 1 end, case when k is not null then lpad('1', 26, '0') end, k
              from generate_series(\(numbers.lowerBound), \(numbers.upperBound)) as n, (values (\(objectKey)::text)) as v (k)
            """)
    }

    private func withRecording(_ body: () throws -> Void) throws {
        func set(_ isOn: Bool) throws {
            _ = try stack.psql(
                "delete from novatune.user_revocations; update novatune.settings set record_user_revocations = \(isOn)")
        }
        try set(true)
        defer { try? set(false) }
        try body()
    }

    private func positions(_ reading: UserRevocationList.Reading) -> [Int64] {
        guard case .rows(let rows) = reading else { return [] }
        return rows.map(\.position)
    }

    @Test func rowsAreReadOnceUntilTheyChange() throws {
        try withRecording {
            let list = list()
            try #expect(list.read() == .rows([]))
            try #expect(list.read() == .unchanged)
            try insert(1...3)
            try #expect(positions(list.read()).count == 3)
            try #expect(list.read() == .unchanged)
            _ = try stack.psql("update novatune.settings set record_user_revocations = false")
            try #expect(list.read() == .notRecorded)
        }
    }

    @Test func moreThanTheLimitAreNotReadAndLongKeysCountAsMore() throws {
        try withRecording {
            let list = list(limit: 10)
            try insert(1...10)
            try #expect(positions(list.read()).count == 10)
            try insert(11...11)
            try #expect(list.read() == .tooLong)
            try #expect(list.read() == .tooLong)
            _ = try stack.psql("delete from novatune.user_revocations")
            try insert(1...5, objectKey: "repeat('k', 128)")
            try #expect(positions(list.read()).count == 5)
            try insert(6...6, objectKey: "'k'")
            try #expect(list.read() == .tooLong)
        }
    }

    @Test func manyRowsAreDeletedInSeveralStatements() throws {
        try withRecording {
            let list = list()
            try insert(1...25_001)
            let positions = try positions(list.read())
            #expect(positions.count == 25_001)
            try list.delete(positions: positions, until: .now.advanced(by: .seconds(-1)))
            try #expect(list.read() == .unchanged, "after the deadline no statement begins")
            try list.delete(positions: Array(positions.dropLast()), until: .now.advanced(by: .seconds(60)))
            try #expect(self.positions(list.read()) == positions.suffix(1))
        }
    }
}
