import TestSupport
import Testing

@testable import PostgreSQLTrackStore

/// Connection strings as operators bring them from other programs.
@Suite struct ConnectionStringIssueTests {
    @Test(arguments: [
        Row("postgresql://u:canary@h:6543/d?pgbouncer=true", ["pgbouncer= ", "Prisma", "STATEMENTS=unnamed"]),
        Row("postgresql://u:canary@h/d?sslmode=require&schema=public", ["schema= ", "always novatune"]),
        Row("postgresql://u:canary@h/d?prepareThreshold=0", ["prepareThreshold= ", "JDBC"]),
        Row("postgresql+asyncpg://u:canary@h/d", ["postgresql+asyncpg://", "SQLAlchemy", "postgresql://user"]),
        Row("postgres+psycopg2://u:canary@h/d", ["postgres+psycopg2://"]),
        Row("postgresql+canary://u@h/d", ["postgresql+…://"]),
        Row("jdbc:postgresql://h/d?user=canary", ["jdbc:", "Java", "postgresql://user"]),
        Row("mysql://u:canary@h/d", ["the scheme is not postgresql://"]),
        Row("postgresql://u:canary@h/d?sslmode=no-verify", ["no-verify", "node-postgres", "verify-full"]),
        Row("postgresql://u:canary@h/d?sslmode=canary", ["sslmode", "verify-full"]),
        Row("postgresql://u:canary@h/d?target_session_attrs=canary", ["target_session_attrs", "prefer-standby"]),
        Row("postgresql://u:canary@h/d?canary=1", ["a parameter that libpq does not know"]),
        Row("postgresql://u:pa%zz?canary@h/d", ["libpq does not know", "%25"]),
        Row("host=h user=u password='can''ary'", ["a quote in a value is written \\'"]),
        Row("host=h canary=1", ["not a libpq URI"]), Row("utter nonsense", ["not a libpq URI"]),
        Row("postgresql://u:p@canary@h/d", ["%40"]),
    ])
    func reasonNamesWhatIsForAnotherClient(_ row: Row<[String]>) throws {
        let reason = try #require(ConnectionStringIssue.reason(row.name))
        for part in row.value { #expect(reason.contains(part), "\(reason)") }
        #expect(!reason.contains("canary") && !reason.contains("\n"))
    }

    @Test(arguments: [
        "postgresql://novatune:s3cret@pgbouncer:6432/novatune",
        "postgresql://novatune:s3cret@h.neon.tech/novatune?sslmode=require&channel_binding=require",
        "postgresql://novatune:s3cret@a:5432,b:5432/novatune?target_session_attrs=prefer-standby",
        "postgresql://novatune@db/novatune?passfile=/run/secrets/pgpass", "postgresql://u:pa?ss@h/d",
        "postgresql://u@h/d?ssl=true", "postgresql:///novatune", "host=h password='it\\'s'",
        "host=h password=a://b", "dbname=novatune",
    ])
    func stringOfLibpqHasNoReason(_ text: String) {
        #expect(ConnectionStringIssue.reason(text) == nil)
    }
}
