import FastCGI
import Glibc
import Resilience

/// Asks a gate socket for one page.
struct GateClient {
    private let address: SocketAddress
    private let deadline: Deadline

    /// Of a page of the gate, which is some hundred bytes.
    private static let answerLimit = 1 << 20

    init(_ address: SocketAddress, _ deadline: Deadline) {
        self.address = address
        self.deadline = deadline
    }

    func get(_ path: String) throws(GateError) -> FastCGIAnswer {
        let descriptor = try connect()
        defer { _ = close(descriptor) }
        try send(
            FastCGIAnswer.request(["REQUEST_METHOD": "GET", "REQUEST_URI": path, "DOCUMENT_URI": path]), to: descriptor)
        var bytes: [UInt8] = []
        while true {
            if let answer = try FastCGIAnswer.read(bytes) { return answer }
            guard bytes.count < Self.answerLimit else { throw GateError.notFastCGI }
            bytes += try receive(from: descriptor)
        }
    }

    // MARK: Connecting

    private func connect() throws(GateError) -> Int32 {
        switch address {
        case .unix(let path): return try connect(path)
        case .tcp(let host, let port): return try connect(host, port)
        case .inherited: throw GateError.notFastCGI
        }
    }

    private func connect(_ path: String) throws(GateError) -> Int32 {
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.size)
        return try unsafe withUnsafePointer(to: &name) { (pointer) throws(GateError) in
            try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { (name) throws(GateError) in
                try unsafe connect(AF_UNIX, name, length)
            }
        }
    }

    /// To the first of the host's addresses that a responder listens on.
    private func connect(_ host: String, _ port: UInt16) throws(GateError) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_flags = AI_NUMERICSERV
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(host, String(port), &hints, &found)
        guard code == 0 else { throw GateError.unknownHost(unsafe String(cString: gai_strerror(code))) }
        defer { unsafe freeaddrinfo(found) }
        var failure = GateError.unknownHost("it has no address")
        var next = unsafe found
        while let entry = unsafe next {
            do {
                return try unsafe connect(entry.pointee.ai_family, entry.pointee.ai_addr, entry.pointee.ai_addrlen)
            } catch {
                failure = error
            }
            unsafe next = entry.pointee.ai_next
        }
        throw failure
    }

    /// Blocking, with the rest of the time as the socket's own limit (socket(7), SO_SNDTIMEO): a connection to a unix
    /// socket then waits for room in the queue.
    private func connect(
        _ family: Int32, _ name: UnsafePointer<sockaddr>, _ length: socklen_t
    ) throws(GateError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw GateError(errno: errno) }
        do {
            try limit(descriptor, SO_SNDTIMEO)
        } catch {
            _ = close(descriptor)
            throw error
        }
        guard unsafe Glibc.connect(descriptor, name, length) == 0 else {
            let code = errno
            _ = close(descriptor)
            throw GateError(errno: code)
        }
        return descriptor
    }

    // MARK: Bytes

    private func send(_ bytes: [UInt8], to descriptor: Int32) throws(GateError) {
        var sent = 0
        while sent < bytes.count {
            try limit(descriptor, SO_SNDTIMEO)
            let count = unsafe bytes[sent...].withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw GateError(errno: errno) }
            sent += count
        }
    }

    private func receive(from descriptor: Int32) throws(GateError) -> [UInt8] {
        try limit(descriptor, SO_RCVTIMEO)
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe bytes.withUnsafeMutableBytes {
            unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
        }
        guard count >= 0 else { throw GateError(errno: errno) }
        guard count > 0 else { throw GateError.closed }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Gives a call on the socket the time that is left.
    private func limit(_ descriptor: Int32, _ option: Int32) throws(GateError) {
        let milliseconds = Int(deadline.remainingMilliseconds)
        // No time at all would mean no limit.
        guard milliseconds > 0 else { throw GateError.late }
        var time = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
    }
}
