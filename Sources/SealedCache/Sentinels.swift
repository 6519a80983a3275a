import OperatorSettings

/// Redis Sentinels, which know the master of a group of servers (Redis documentation, "Guidelines for Redis clients with
/// support for Redis Sentinel").
public struct Sentinels: Sendable, Equatable, CustomStringConvertible {
    public static let defaultPort: UInt16 = 26_379

    /// At least one.
    public let addresses: [NodeAddress]
    /// The name of the group.
    public let master: String

    public var description: String { "\(addresses.map(\.description).joined(separator: ","))/\(master)" }
}

extension RESPServer {
    /// The server to connect to now: the master that the first sentinel to answer names, or this server.
    /// - Parameter timeout: for each step with each sentinel.
    func located(within timeout: Duration) throws(ValueStoreError) -> RESPServer {
        guard case .sentinels(let sentinels) = location else { return self }
        var failure = ValueStoreError(code: "connect", reason: "no sentinel is named")
        for address in sentinels.addresses {
            do throws(ValueStoreError) {
                return try master(of: sentinels, from: address, within: timeout)
            } catch {
                failure = error
            }
        }
        throw ValueStoreError(code: failure.code, reason: "no sentinel names the master: \(failure.reason)")
    }

    private func master(
        of sentinels: Sentinels, from address: NodeAddress, within timeout: Duration
    ) throws(ValueStoreError) -> RESPServer {
        var sentinel = RESPServer(location: .tcp(host: address.host, port: address.port), usesTLS: usesTLS)
        sentinel.tls = tls
        let connection = try RESPConnection(sentinel, timeout: timeout)
        let reply = try connection.command(RESPCommand("SENTINEL", ["get-master-addr-by-name", sentinels.master]))
        guard reply != .null else {
            throw ValueStoreError(code: "connect", reason: "it knows no master of the name in \(CacheSetting.url.name)")
        }
        guard case .array(let parts) = reply, parts.count == 2, case .bulk(let host) = parts[0],
            case .bulk(let digits) = parts[1], let port = UInt16(String(decoding: digits, as: UTF8.self))
        else { throw .unexpectedReply }
        return relocated(to: NodeAddress(host: String(decoding: host, as: UTF8.self), port: port))
    }
}
