import StreamIssuing
@testable import novatune_streamd
import TestSupport
import Testing

@Suite struct OwnerDatabaseTests {
    /// Records what it is asked to run.
    private final class Recorder: CommandRunning {
        var commands: [ExternalCommand] = []
        var result = CommandOutput()

        func output(_ command: ExternalCommand) -> CommandOutput {
            commands.append(command)
            return result
        }
    }

    private let recorder = Recorder()

    private func owner(_ url: String, account: String? = nil) -> OwnerDatabase {
        OwnerDatabase(
            url: SecretText(url), account: account, environment: ["PGPASSFILE": "/pgpass", "OTHER": "x"],
            runner: recorder)
    }

    private let url = "postgresql://owner:canary@db.example.com:5433/music?sslmode=verify-full"

    @Test func passwordIsInTheEnvironmentAndInNoArgument() throws {
        let owner = owner(url)
        _ = try owner.rows("select 1;")
        _ = try owner.sqitch(["deploy"], project: "/sql")
        for command in recorder.commands {
            #expect(!command.arguments.joined().contains("canary") && command.account == nil)
            #expect(
                command.environment.filter {
                    $0.key.hasPrefix("PG") && $0.key != "PGCONNECT_TIMEOUT" && $0.key != "PGOPTIONS"
                }
                    == [
                        "PGHOST": "db.example.com", "PGPORT": "5433", "PGUSER": "owner", "PGPASSWORD": "canary",
                        "PGSSLMODE": "verify-full", "PGDATABASE": "music", "PGPASSFILE": "/pgpass",
                    ])
        }
        #expect(recorder.commands[0].input == "select 1;")
        #expect(recorder.commands[1].arguments == ["--chdir", "/sql", "deploy", "db:pg:music"])
    }

    @Test func ownerOnTheSocketIsAnAccountOfTheMachine() {
        #expect(owner("postgresql:///novatune?user=daemon").account == "daemon")
        #expect(owner("postgresql:///novatune?user=no-such-account").account == nil)
        #expect(owner("postgresql:///novatune", account: "me").account == "me")
        #expect(owner("postgresql://daemon@db.example.com/novatune").account == nil)
        #expect(owner("postgresql:///novatune?user=daemon&password=x").account == nil)
    }

    @Test func rowsAreColumns() throws {
        recorder.result.text = "a\u{1F}b\n\u{1F}c\n"
        #expect(try owner(url).rows("select;") == [["a", "b"], ["", "c"]])
    }

    @Test(arguments: [
        Row("FATAL:  password authentication failed for user \"owner\"", "correct role and password"),
        Row("could not translate host name", "correct SETUP_DATABASE_OWNER_URL, or see that PostgreSQL runs there"),
    ])
    func failureSaysWhatToDo(_ row: Row<String>) {
        recorder.result = CommandOutput(status: 2, errors: "psql: error: \(row.name)\n")
        let failure = #expect(throws: SetupFailure.self) { try owner(url).exists() }
        #expect(failure?.advice.hasPrefix(row.value) == true, "\(String(describing: failure))")
    }

    @Test func databaseThatIsMissingIsNoFailure() throws {
        recorder.result = CommandOutput(status: 2, errors: "psql: error: FATAL:  database \"music\" does not exist\n")
        #expect(try !owner(url).exists())
    }

    @Test(arguments: [
        Row(
            "postgresql://owner:x@db:5433/music?sslmode=require&application_name=x",
            "postgresql://novatune_responder:pw@db:5433/music?sslmode=require"),
        Row(
            "postgresql://a@h1:1,h2:2/d?target_session_attrs=primary", "postgresql://novatune_responder:pw@h1:1,h2:2/d"),
        Row("postgresql://a@[::1]/d", "postgresql://novatune_responder:pw@[::1]/d"),
        Row("postgresql:///d", "postgresql://novatune_responder:pw@/d?host=/var/run/postgresql"),
        Row("host=/run/pg port=5434 dbname='a b'", "postgresql://novatune_responder:pw@/a%20b?host=/run/pg&port=5434"),
    ])
    func respondersURLFollowsFromTheOwners(_ row: Row<String>) {
        let owner = owner(row.name)
        let made = ResponderAddress.url(owner, password: "pw")
        #expect(made.exposeSecret() == row.value)
        #expect(ResponderAddress.isSame(made, as: owner))
        #expect(!ResponderAddress.isSame("postgresql://novatune_responder@elsewhere/d", as: owner))
    }

    @Test func factsThatRuleTheDatabaseOutAreNamed() {
        func facts(_ version: Int, _ encoding: String, _ may: Bool, standby: Bool = false) -> OwnerDatabase.Facts {
            OwnerDatabase.Facts(
                version: version, encoding: encoding, mayCreate: may, mayCreateRoles: may, hasResponder: false,
                isStandby: standby, hasRegistry: false)
        }
        #expect(SetupCheck.findings(facts(150_000, "UTF8", true), "d").map(\.verdict) == [.ok])
        #expect(
            SetupCheck.findings(facts(140_010, "LATIN1", false), "d").map(\.verdict)
                == Array(repeating: .failed, count: 4))
        #expect(SetupCheck.findings(facts(160_000, "UTF8", true, standby: true), "d").map(\.verdict) == [.failed])
    }

    @Test func planOfSqitchHasItsChanges() {
        let plan = SqitchPlan(
            "%project=novatune\n\na 2026-01-01T00:00:00Z N <n@x> # A.\nb [a] 2026 # B.\n@v1 2026 # T.\n# c\n")
        #expect(plan.changes == ["a", "b"])
    }
}
