import Glibc

/// Where the other end of a connection runs.
enum PeerHost {
    /// Whether it is this host, so that both ends have one clock: a unix socket, or two addresses of one machine.
    static func isThisHost(_ descriptor: Int32) -> Bool {
        guard let peer = address(of: descriptor, isPeer: true) else { return false }
        if Int32(peer.ss_family) == AF_UNIX { return true }
        guard let remote = IPAddress(peer), let own = address(of: descriptor, isPeer: false) else { return false }
        return remote.isLoopback || remote == IPAddress(own)
    }

    static func ownAddress(_ descriptor: Int32) -> sockaddr_storage? { address(of: descriptor, isPeer: false) }

    private static func address(of descriptor: Int32, isPeer: Bool) -> sockaddr_storage? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe isPeer ? getpeername(descriptor, name, &length) : getsockname(descriptor, name, &length)
            }
        }
        return result == 0 ? address : nil
    }
}
