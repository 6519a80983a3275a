import FastCGI
import OperatorSettings

/// Settings of `novatune-streamd revoke` that no other command has.
enum RevocationSetting {
    static let listen = Setting<SocketAddress>(
        "NOVATUNE_REVOKE_LISTEN", shownDefault: "inherited socket, else unix:/run/novatune/revoke.sock",
        "revoke: FastCGI socket for its health and metrics"
    ) { (text) throws(InvalidValue) in
        guard let address = SocketAddress(text) else {
            throw InvalidValue("not unix:/path (at most 107 bytes), fd:N or host:port")
        }
        return address
    }
    static let workers = Setting.number(
        "NOVATUNE_REVOKE_WORKERS", 1...16, default: 4,
        "revoke: objects that it changes at a time, each with a connection to database and store")
    static let poll = Setting.duration(
        "NOVATUNE_REVOKE_POLL", .milliseconds(50) ... .seconds(60), default: .seconds(1),
        "revoke: how often it looks for objects without a notification, and after a refusal")

    static let group = SettingGroup(
        "Revocations", [listen.declaration, workers.declaration, poll.declaration])
}
