import Glibc

/// Why a socket could not be opened, and what to do.
public struct SocketError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }

    /// - Parameter call: the system call that set `errno`.
    init(_ address: SocketAddress, _ call: String, errno code: Int32) {
        let reason = unsafe String(cString: strerror(code))
        description =
            switch code {
            case ENOENT: "\(address): its directory does not exist; create it, owned by the service's user"
            case EACCES, EPERM: "\(address): no permission to create it; check the owner of its directory"
            case EADDRINUSE: "\(address): in use by another process"
            case EADDRNOTAVAIL: "\(address): not an address of this machine; 'ip address' lists those"
            default: "\(address): \(call): \(reason)"
            }
    }
}
