import Glibc
import Resilience
import TLSClient

// How a socket is connected, on a thread that may block.
extension ConnectedSocket {
    /// Resolves the name, connects, and completes the TLS handshake where the server speaks TLS.
    /// - Parameter timeout: for connecting, and for the handshake.
    static func connect(to server: RESPServer, timeout: Duration) throws(ValueStoreError) -> ConnectedSocket {
        switch server.location {
        case .sentinels: throw ValueStoreError(code: "connect", reason: "the sentinels were not asked")
        case .cluster: throw ValueStoreError(code: "connect", reason: "no node of the cluster was chosen")
        case .unix(let path): return try connect(path, by: Deadline(after: timeout))
        case .tcp(let host, let port):
            let session = try server.makeSession(for: host)
            let socket = try connect(host, port, session, timeout: timeout)
            try socket.completeHandshake(by: Deadline(after: timeout))
            return socket
        }
    }

    private static func connect(_ path: String, by deadline: Deadline) throws(ValueStoreError) -> ConnectedSocket {
        let socket = try open(AF_UNIX, session: nil)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { field in
            // The last byte stays zero; a longer path does not exist then.
            unsafe field.copyBytes(from: path.utf8.prefix(field.count - 1))
        }
        try unsafe withUnsafePointer(to: &address) { (pointer) throws(ValueStoreError) in
            try unsafe socket.connect(
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size), by: deadline)
        }
        return socket
    }

    /// Tries the addresses of a name in their order; each gets an equal share of the time that is left.
    private static func connect(
        _ host: String, _ port: UInt16, _ session: TLSSession?, timeout: Duration
    ) throws(ValueStoreError) -> ConnectedSocket {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            let cause =
                unsafe code == EAI_SYSTEM ? String(cString: strerror(errno)) : String(cString: gai_strerror(code))
            throw ValueStoreError(code: "connect", reason: "the host name does not resolve: \(cause)")
        }
        defer { unsafe freeaddrinfo(list) }
        var count = 0
        var next = unsafe list
        while let entry = unsafe next {
            count += 1
            unsafe next = entry.pointee.ai_next
        }
        let deadline = Deadline(after: timeout)
        var failure = ValueStoreError(code: "connect", reason: "the host name has no address")
        unsafe next = list
        while let entry = unsafe next {
            let share = Deadline(after: deadline.remaining / count)
            do throws(ValueStoreError) {
                let socket = try unsafe open(entry.pointee.ai_family, session: session)
                socket.setOptions(timeout: timeout)
                try unsafe socket.connect(entry.pointee.ai_addr, entry.pointee.ai_addrlen, by: share)
                return socket
            } catch {
                failure = error
            }
            count -= 1
            unsafe next = entry.pointee.ai_next
        }
        throw failure
    }

    private static func open(_ family: Int32, session: TLSSession?) throws(ValueStoreError) -> ConnectedSocket {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .cannotConnect(errno) }
        return ConnectedSocket(descriptor, session: session)
    }

    private func connect(
        _ address: UnsafePointer<sockaddr>, _ length: socklen_t, by deadline: Deadline
    ) throws(ValueStoreError) {
        guard unsafe Glibc.connect(descriptor, address, length) != 0 else { return }
        guard errno == EINPROGRESS || errno == EINTR else { throw .cannotConnect(errno) }
        try wait(for: POLLOUT, by: deadline)
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
        guard code == 0 else { throw .cannotConnect(code) }
    }

    /// How long a connection is idle before the kernel asks the peer whether it is still there.
    private static let keepaliveIdleSeconds: Int32 = 2
    private static let keepaliveIntervalSeconds: Int32 = 1

    /// A connection that a firewall has dropped is found while it is idle, within three seconds, and not by the next
    /// request (tcp(7): TCP_USER_TIMEOUT overrides keepalive's own limit). Small writes leave immediately.
    private func setOptions(timeout: Duration) {
        set(SOL_SOCKET, SO_KEEPALIVE, 1)
        let protocolNumber = Int32(IPPROTO_TCP)
        set(protocolNumber, TCP_NODELAY, 1)
        set(protocolNumber, TCP_KEEPIDLE, Self.keepaliveIdleSeconds)
        set(protocolNumber, TCP_KEEPINTVL, Self.keepaliveIntervalSeconds)
        set(protocolNumber, TCP_KEEPCNT, 2)
        set(protocolNumber, TCP_USER_TIMEOUT, timeout.roundedUpMilliseconds)
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
    }
}
