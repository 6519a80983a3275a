import PostgreSQLTrackStore
import StreamIssuing
import Testing

@Suite struct PasswordVerifierTests {
    @Test func verifierIsOfSCRAMAndHasNoPassword() throws {
        let verifier = try #require(PasswordVerifier.scram("canary", role: "role"))
        // SCRAM-SHA-256$iterations:salt$stored key:server key
        #expect(verifier.hasPrefix("SCRAM-SHA-256$4096:") && verifier.split(separator: "$").count == 3)
        #expect(!verifier.contains("canary") && !verifier.contains("'"))
        #expect(PasswordVerifier.scram("canary", role: "role") != verifier)
    }

    @Test func parametersOfAStringHaveTheirVariables() throws {
        let parameters = try #require(ConnectionParameter.all(of: "postgresql://a:b@h/d?keepalives=1"))
        let variables = parameters.reduce(into: [String: String?]()) { $0[$1.keyword] = $1.variable }
        #expect(
            variables == [
                "user": "PGUSER", "password": "PGPASSWORD", "host": "PGHOST", "dbname": "PGDATABASE", "keepalives": nil,
            ])
        #expect(ConnectionParameter.all(of: "postgresql://%") == nil)
    }
}
