/// Host and port of one of several servers.
public struct NodeAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name, or an address; IPv6 without brackets.
    public let host: String
    public let port: UInt16

    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
