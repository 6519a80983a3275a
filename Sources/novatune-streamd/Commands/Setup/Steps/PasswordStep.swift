import Cryptography
import PostgreSQLTrackStore
import Resilience
import StreamIssuing

/// The password of the responder's role, which only the file of settings and, as a verifier, the server know.
struct PasswordStep: SetupStep {
    let context: SetupContext
    let owner: OwnerDatabase
    let title = "database login"

    func describe() -> String {
        "gives the role \(OwnerDatabase.responder) a password, which the file of settings gets"
    }

    func isDone() throws(SetupFailure) -> Bool {
        guard let url = try context.answers.value(DatabaseSetting.url), ResponderAddress.isSame(url, as: owner) else {
            return false
        }
        return LoginTrial.failure(url) == nil
    }

    func apply() throws(SetupFailure) -> String {
        let sessions = try owner.responderSessions()
        guard sessions == 0 || context.makesNewPassword else {
            throw SetupFailure(
                "\(sessions) sessions of \(OwnerDatabase.responder) are open, and none with a password that setup knows: "
                    + "another password would lock the next ones out",
                advice: "give NOVATUNE_DATABASE_URL with the password that they have, or --new-password")
        }
        var bytes = [UInt8](repeating: 0, count: 24)
        SecureRandom().fill(&bytes)
        let password = SecretText(Self.text(bytes))
        guard let verifier = PasswordVerifier.scram(password, role: OwnerDatabase.responder) else {
            throw SetupFailure("libpq computes no SCRAM verifier", advice: "look at the machine's memory")
        }
        try owner.setPassword(verifier: verifier)
        let url = ResponderAddress.url(owner, password: password)
        if let failure = LoginTrial.failure(url) {
            throw SetupFailure(
                "\(OwnerDatabase.responder) has a new password and cannot log in with it: \(failure)",
                advice: "let it in by pg_hba.conf (scram-sha-256), then run setup again")
        }
        context.databaseURL = url
        return "\(OwnerDatabase.responder) has a new password"
    }

    /// 24 bytes as 48 digits: in a URL they stand for themselves.
    private static func text(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

/// Tries the responder's URL, with its own query.
enum LoginTrial {
    /// Nil where the role logs in and may run the query.
    static func failure(_ url: SecretText) -> String? {
        let store = PostgreSQLTrackStore(
            conninfo: url, timeout: .seconds(5), breaker: SharedBreaker(CircuitBreaker.Policy(failureLimit: .max)))
        guard let lowest = ULID("00000000000000000000000000") else { return nil }
        do {
            try store.ask(user: .id(lowest), track: lowest, by: .now.advanced(by: .seconds(10)))
            _ = try store.answer()
            return nil
        } catch {
            return error.reason
        }
    }
}
