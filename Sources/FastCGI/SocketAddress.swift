/// The address of a FastCGI socket.
public enum SocketAddress: Sendable, Equatable, CustomStringConvertible {
    /// A path of at most 107 bytes (`sun_path`, unix(7)).
    case unix(path: String)
    /// Numeric address, or a name that is looked up when the socket is opened. FastCGI has no authentication: use
    /// loopback, or a private network.
    case tcp(host: String, port: UInt16)
    /// A socket that is already listening: 0 from spawn-fcgi, 3 and up from systemd.
    case inherited(descriptor: Int32)

    /// Reads `unix:/path`, `fd:N`, `127.0.0.1:9000`, `[::1]:9000` or `localhost:9000`; nil for anything else.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else { return nil }
            self = .unix(path: path)
        } else if text.hasPrefix("fd:") {
            guard let descriptor = Self.number(text.dropFirst(3), Int32.self) else { return nil }
            self = .inherited(descriptor: descriptor)
        } else {
            guard let colon = text.lastIndex(of: ":"),
                let port = Self.number(text[text.index(after: colon)...], UInt16.self), port > 0
            else { return nil }
            var host = text[..<colon]
            if host.hasPrefix("["), host.hasSuffix("]") {
                host = host.dropFirst().dropLast()
            } else if host.contains(":") {
                return nil
            }
            guard !host.isEmpty, host.utf8.allSatisfy(Self.mayBeInHost) else { return nil }
            self = .tcp(host: String(host), port: port)
        }
    }

    /// Looks its host up, where it has one, without opening a socket.
    public func resolve() throws(SocketError) {
        if case .tcp(let host, let port) = self { _ = try HostAddresses(self, host: host, port: port) }
    }

    /// Letters and digits of ASCII, and what joins them in names, addresses and their zones (`fe80::1%eth0`).
    private static func mayBeInHost(_ byte: UInt8) -> Bool {
        (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (0x30...0x39).contains(byte) || "-._:%".utf8.contains(byte)
    }

    /// Digits alone: no sign.
    private static func number<Number: FixedWidthInteger>(_ text: Substring, _ type: Number.Type) -> Number? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Number(text) : nil
    }

    public var description: String {
        switch self {
        case .unix(let path): "unix:\(path)"
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .inherited(let descriptor): "fd:\(descriptor)"
        }
    }
}
