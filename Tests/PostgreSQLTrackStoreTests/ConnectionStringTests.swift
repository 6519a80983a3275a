import StreamIssuing
import TestSupport
import Testing

@testable import PostgreSQLTrackStore

@Suite struct ConnectionStringTests {
    typealias Server = ConnectionString.Server

    private static let whole = [Server(host: nil, address: nil, port: nil)]

    private static func hosts(_ names: [String], _ ports: [String?]) -> [Server] {
        zip(names, ports).map { Server(host: $0, address: nil, port: $1) }
    }

    @Test(arguments: [
        Row("host=db", whole), Row("postgresql:///novatune", whole), Row("dbname=novatune", whole),
        Row("host=a,b", hosts(["a", "b"], [nil, nil])), Row("host=a,b port=1,2", hosts(["a", "b"], ["1", "2"])),
        Row("host=a,b port=7", hosts(["a", "b"], ["7", "7"])),
        Row("postgresql://a:1,b:2,c/novatune", hosts(["a", "b", "c"], ["1", "2", ""])),
        Row("host=a, port=1,2", hosts(["a", ""], ["1", "2"])),
        Row("hostaddr=10.0.0.1,10.0.0.2", ["10.0.0.1", "10.0.0.2"].map { Server(host: nil, address: $0, port: nil) }),
        Row(
            "host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2",
            [Server(host: "a", address: "10.0.0.1", port: "1"), Server(host: "b", address: "10.0.0.2", port: "2")]),
    ])
    func eachServerOfAListIsATargetOfItsOwn(_ row: Row<[Server]>) {
        #expect(ConnectionString(SecretText(row.name))?.servers == row.value)
    }

    @Test(arguments: ["utter nonsense", "postgresql://u:hunter2%zz@h/d", "host=h unknown=1"])
    func stringThatLibpqCannotReadIsNotValid(conninfo: String) {
        #expect(ConnectionString(SecretText(conninfo)) == nil)
    }

    /// libpq reads them, and would name a part of the password where it cannot connect.
    @Test(arguments: [
        "postgresql://u:p@ssword@127.0.0.1:1/d", "postgresql://u:pa/ssword@127.0.0.1:1/d", "postgres://u:12/ssword@h/d",
        "postgresql://u:p@ss/word@h/d", "postgresql://u@:p@h",
    ])
    func ambiguousPasswordIsNotValid(conninfo: String) {
        #expect(ConnectionString(SecretText(conninfo)) == nil)
    }

    @Test(arguments: [
        "postgresql://u:p%40ss%2Fword@h/d", "postgresql://u:pa?ss@h/d", "postgresql://u@/d?host=@abstract",
        "postgresql:///d?user=a@b",
        "postgresql://u:p@[::1]:5432/d?sslmode=disable", "host=h password=p@ss/word",
    ])
    func unambiguousPasswordIsValid(conninfo: String) {
        #expect(ConnectionString(SecretText(conninfo)) != nil)
    }

    @Test(arguments: [
        Row("postgresql://a,b/d?target_session_attrs=prefer-standby", true),
        Row("host=a target_session_attrs='prefer-standby'", true),
        Row("postgresql://a,b/d?target_session_attrs=standby", false), Row("postgresql://a,b/d", false),
    ])
    func preferenceForAStandbyIsThatOfTheParameter(_ row: Row<Bool>) {
        #expect(ConnectionString(SecretText(row.name))?.prefersStandby == row.value)
    }
}
