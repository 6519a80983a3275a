import Glibc

/// A socket on which connections arrive.
public struct ListeningSocket: Sendable {
    public let address: SocketAddress
    public let descriptor: Int32
    /// The path to remove when this process stops listening; nil where another process made the socket, and in a
    /// duplicate.
    private let ownPath: String?
    /// Whether another process also holds it, as systemd does, and serves on it after this one.
    let isShared: Bool

    /// A short queue would refuse connections in a burst; the kernel caps it at `net.core.somaxconn`.
    private static let backlog: Int32 = 4096

    /// Opens or adopts the socket. A path socket gets mode 0660, so that only owner and group (nginx's) may connect.
    public init(_ address: SocketAddress) throws(SocketError) {
        self.address = address
        switch address {
        case .unix(let path):
            descriptor = try Self.open(address, path: path)
            (ownPath, isShared) = (path, false)
        case .tcp(let host, let port):
            descriptor = try Self.open(address, host: host, port: port)
            (ownPath, isShared) = (nil, false)
        case .inherited(let inherited):
            guard Self.isListening(inherited) else { throw SocketError("\(address): not a listening socket") }
            descriptor = inherited
            (ownPath, isShared) = (nil, inherited >= 3)
        }
        // Workers race for a connection; the losers must not block in accept.
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    /// The same socket under a descriptor of its own, for another event loop: each closes its own, and only the first
    /// removes the path.
    public func duplicate() throws(SocketError) -> ListeningSocket {
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SocketError(address, "dup", errno: errno) }
        return ListeningSocket(address: address, descriptor: copy, isShared: isShared)
    }

    private init(address: SocketAddress, descriptor: Int32, isShared: Bool) {
        self.address = address
        self.descriptor = descriptor
        self.isShared = isShared
        ownPath = nil
    }

    /// Whether `descriptor` is a socket that listens.
    public static func isListening(_ descriptor: Int32) -> Bool {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value == 1
    }

    /// After this call no new connection can be made; those that the kernel has queued can still be accepted.
    func removePath() {
        if let ownPath { unsafe unlink(ownPath) }
    }

    /// The next connection; nil where there is none now.
    public func accept() -> Int32? {
        let connection = DescriptorReserve.accept(descriptor)
        return connection >= 0 ? connection : nil
    }

    /// Whether it is bound to an address of loopback.
    public var isLoopback: Bool { PeerHost.ownAddress(descriptor).flatMap { IPAddress($0) }?.isLoopback ?? false }

    public func close() {
        _ = Glibc.close(descriptor)
    }

    private static func open(_ address: SocketAddress, path: String) throws(SocketError) -> Int32 {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketError(address, "socket", errno: errno) }
        try removeStaleSocket(address, path, name)
        // No client can connect between bind and listen, so the mode is right before the first connection.
        let bound = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        guard bound == 0, unsafe chmod(path, 0o660) == 0, listen(descriptor, backlog) == 0 else {
            let code = errno
            _ = Glibc.close(descriptor)
            throw SocketError(address, "bind", errno: code)
        }
        return descriptor
    }

    /// Removes a socket file that no process listens on: a process that was killed left it.
    private static func removeStaleSocket(_ address: SocketAddress, _ path: String, _ name: sockaddr_un)
        throws(SocketError)
    {
        var information = stat()
        guard unsafe lstat(path, &information) == 0 else { return }
        guard information.st_mode & S_IFMT == S_IFSOCK else {
            throw SocketError("\(address): exists and is not a socket")
        }
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        defer { _ = Glibc.close(probe) }
        var name = name
        let connected = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(probe, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected != 0, errno == ECONNREFUSED else { throw SocketError(address, "connect", errno: EADDRINUSE) }
        unsafe unlink(path)
    }

    private static func open(_ address: SocketAddress, host: String, port: UInt16) throws(SocketError) -> Int32 {
        let addresses = try HostAddresses(address, host: host, port: port)
        guard let descriptor = addresses.first({ $0.bound() }) else {
            throw SocketError(address, "bind", errno: errno)
        }
        guard listen(descriptor, backlog) == 0 else {
            let code = errno
            _ = Glibc.close(descriptor)
            throw SocketError(address, "listen", errno: code)
        }
        return descriptor
    }
}
