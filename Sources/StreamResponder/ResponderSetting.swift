public import FastCGI
import Glibc
public import OperatorSettings

/// Settings of the responder: its sockets, its event loops, the times of a request.
public enum ResponderSetting {
    public static let listen = socket(
        "NOVATUNE_LISTEN", shownDefault: "inherited socket (descriptor 0 or 3), else unix:/run/novatune/stream.sock",
        "FastCGI socket for requests: unix:/path, fd:N or host:port")
    public static let gateListen = socket(
        "NOVATUNE_GATE_LISTEN", shownDefault: "inherited socket, else unix:/run/novatune/gate.sock",
        "FastCGI socket for health and metrics")
    public static let loops = Setting.number(
        "NOVATUNE_LOOPS", 1...16, default: defaultLoops(cores: sysconf(Int32(_SC_NPROCESSORS_ONLN))),
        shownDefault: "1, and 2 from five cores on",
        "event loops, each a thread with its own database and cache connection")
    public static let requestTimeout = Setting.duration(
        "NOVATUNE_REQUEST_TIMEOUT", .milliseconds(100) ... .seconds(14), default: .seconds(10),
        "a request as a whole; nginx waits 15s")
    public static let queueTimeout = Setting.duration(
        "NOVATUNE_QUEUE_TIMEOUT", .milliseconds(10) ... .seconds(10), default: .seconds(2),
        "a request that waited longer before the event loop began it is answered 503")

    public static let group = SettingGroup(
        "Responder",
        [
            listen.declaration, gateListen.declaration, loops.declaration, requestTimeout.declaration,
            queueTimeout.declaration,
        ])

    /// One loop serves two cores best, beside nginx, database and cache (Tests/Load).
    public static func defaultLoops(cores: Int) -> Int { cores <= 4 ? 1 : 2 }

    private static func socket(_ name: String, shownDefault: String, _ meaning: String) -> Setting<SocketAddress> {
        Setting(name, shownDefault: shownDefault, meaning) { (text) throws(InvalidValue) in
            guard let address = SocketAddress(text) else {
                throw InvalidValue("not unix:/path (at most 107 bytes), fd:N or host:port")
            }
            return address
        }
    }
}
