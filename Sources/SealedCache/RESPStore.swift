/// Values on a RESP server, with commands that Redis, Valkey and Garnet all have: SET with PX, GET, DEL, PING.
///
/// One connection, made when it is first needed and again after an error: not for several threads at once.
public final class RESPStore: ValueStore {
    private let server: RESPServer
    private let timeout: Duration
    private var connection: RESPConnection?

    /// - Parameter timeout: for each of connecting, reading and writing. Nothing is tried twice.
    public init(_ server: RESPServer, timeout: Duration) {
        self.server = server
        self.timeout = timeout
    }

    public func value(forKey key: String) throws(ValueStoreError) -> [UInt8]? {
        switch try perform(RESPCommand("GET", [key])) {
        case .bulk(let value): return value
        case .null: return nil
        default: throw unexpected
        }
    }

    public func setValue(_ value: [UInt8], forKey key: String, timeToLive: Duration) throws(ValueStoreError) {
        let (seconds, attoseconds) = timeToLive.components
        let milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        var command = RESPCommand("SET", argumentCount: 4, capacity: value.count + key.utf8.count + 64)
        command.append(key)
        command.append(value)
        command.append("PX")
        command.append(String(milliseconds))
        guard try perform(command) == .status("OK") else { throw unexpected }
    }

    public func removeValue(forKey key: String) throws(ValueStoreError) {
        _ = try perform(RESPCommand("DEL", [key]))
    }

    public func ping() throws(ValueStoreError) {
        guard try perform(RESPCommand("PING", [])) == .status("PONG") else { throw unexpected }
    }

    private var unexpected: ValueStoreError { ValueStoreError(code: "protocol", reason: "an unexpected kind of reply") }

    /// A kept connection may have been closed by the server since its last use; that alone is worth a fresh one.
    private func perform(_ command: RESPCommand) throws(ValueStoreError) -> RESPConnection.Reply {
        if let connection {
            do {
                return try connection.command(command)
            } catch  where error.code == "lost" {
                self.connection = nil
            } catch {
                if error.code != "refused" { self.connection = nil }
                throw error
            }
        }
        let fresh = try RESPConnection(server, timeout: timeout)
        let reply = try fresh.command(command)
        connection = fresh
        return reply
    }
}
