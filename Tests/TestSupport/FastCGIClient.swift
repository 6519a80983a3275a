import Glibc

/// A small FastCGI 1.0 client on a unix socket: what a web server does, and what no web server would.
public final class FastCGIClient {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    public struct Answer: Sendable, Equatable {
        /// Stream FCGI_STDOUT.
        public let output: String
        public let requestID: UInt16
        /// FCGI_END_REQUEST: `appStatus` and `protocolStatus`.
        public let appStatus: UInt32
        public let protocolStatus: UInt8

        public init(output: String, requestID: UInt16, appStatus: UInt32, protocolStatus: UInt8) {
            self.output = output
            self.requestID = requestID
            self.appStatus = appStatus
            self.protocolStatus = protocolStatus
        }

        public var body: String { output.firstRange(of: "\r\n\r\n").map { String(output[$0.upperBound...]) } ?? "" }
    }

    private let descriptor: Int32

    public init(path: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &name.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8)) }
        let connected = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        // Closed by deinit, which runs here, too: to close it twice would close a descriptor of another owner.
        guard connected == 0 else { throw Failure(description: "connect: \(unsafe String(cString: strerror(errno)))") }
        // A test that waits for ever tells nothing.
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        unsafe _ = setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { Glibc.close(descriptor) }

    /// Bytes as they are.
    public func write(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: \(unsafe String(cString: strerror(errno)))") }
            rest = rest.dropFirst(count)
        }
    }

    /// A whole request in one write.
    public func send(
        _ parameters: KeyValuePairs<String, String>, body: [UInt8] = [], keep: Bool = true, requestID: UInt16 = 1
    ) throws {
        try write(FastCGIRecords.request(parameters, body: body, keep: keep, requestID: requestID))
    }

    /// Reads records up to FCGI_END_REQUEST.
    public func answer() throws -> Answer {
        var output: [UInt8] = []
        while true {
            let header = try read(8)
            let content = try read(Int(header[4]) << 8 | Int(header[5]))
            _ = try read(Int(header[6]))
            switch header[1] {
            case FastCGIRecords.standardOutput: output += content
            case FastCGIRecords.endRequest:
                guard content.count == 8 else { throw Failure(description: "an end record of \(content.count) bytes") }
                return Answer(
                    output: String(decoding: output, as: UTF8.self),
                    requestID: UInt16(header[2]) << 8 | UInt16(header[3]),
                    appStatus: content[..<4].reduce(0) { $0 << 8 | UInt32($1) }, protocolStatus: content[4])
            default: break
            }
        }
    }

    /// Whether the server has closed the connection; waits until it has, or says something.
    public func isClosed() -> Bool {
        var byte: UInt8 = 0
        let count = unsafe recv(descriptor, &byte, 1, 0)
        return count == 0 || count < 0 && errno == ECONNRESET
    }

    /// No more will be written.
    public func finishWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

    private func read(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let more = unsafe bytes.withUnsafeMutableBytes {
                unsafe recv(descriptor, $0.baseAddress! + filled, count - filled, 0)
            }
            guard more > 0 else {
                throw Failure(description: more == 0 ? "closed" : unsafe String(cString: strerror(errno)))
            }
            filled += more
        }
        return bytes
    }
}
