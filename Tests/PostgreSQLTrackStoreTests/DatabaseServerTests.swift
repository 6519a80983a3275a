import Testing

@testable import PostgreSQLTrackStore

@Suite struct DatabaseServerTests {
    @Test func nameOrAddressHasAPort() {
        #expect(DatabaseServer(host: "db.example", port: "5433") == .tcp(host: "db.example", port: 5433))
        #expect(DatabaseServer(host: "::1", port: "5432") == .tcp(host: "::1", port: 5432))
    }

    @Test func directoryIsThePathOfASocket() {
        #expect(
            DatabaseServer(host: "/run/postgresql", port: "5432") == .unix(path: "/run/postgresql/.s.PGSQL.5432"))
        #expect(DatabaseServer(host: "@name", port: "5432") == .unix(path: "@name/.s.PGSQL.5432"))
    }
}
