import Glibc

/// The addresses that a host stands for, numeric or a name (getaddrinfo(3)).
@safe struct HostAddresses: ~Copyable {
    private let list: UnsafeMutablePointer<addrinfo>

    /// - Parameter address: for the error.
    init(_ address: SocketAddress, host: String, port: UInt16) throws(SocketError) {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard code == 0, let found = unsafe found else {
            let reason = unsafe String(cString: gai_strerror(code))
            throw SocketError("\(address): the host's address is not found (\(reason)); correct it or write an address")
        }
        unsafe list = unsafe found
    }

    deinit { unsafe freeaddrinfo(list) }

    /// Calls `body` with one after the other until it returns a value, those of IPv4 first: clients that know one
    /// address of a name know that one.
    func first<Result>(_ body: (borrowing Address) -> Result?) -> Result? {
        for isWanted in [{ $0 == AF_INET }, { $0 != AF_INET }] as [(Int32) -> Bool] {
            var next: UnsafeMutablePointer<addrinfo>? = unsafe list
            while let entry = unsafe next {
                if unsafe isWanted(entry.pointee.ai_family), let result = unsafe body(Address(entry)) { return result }
                unsafe next = entry.pointee.ai_next
            }
        }
        return nil
    }

    /// One of them, valid during the call.
    @safe struct Address: ~Copyable {
        private let entry: UnsafeMutablePointer<addrinfo>

        fileprivate init(_ entry: UnsafeMutablePointer<addrinfo>) { unsafe self.entry = unsafe entry }

        /// A new TCP socket of its family, bound to it; nil, and `errno`, where the system refuses it.
        func bound() -> Int32? {
            let descriptor = unsafe socket(
                entry.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard descriptor >= 0 else { return nil }
            var yes: Int32 = 1
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
            if unsafe bind(descriptor, entry.pointee.ai_addr, entry.pointee.ai_addrlen) == 0 { return descriptor }
            let code = errno
            _ = close(descriptor)
            errno = code
            return nil
        }
    }
}
