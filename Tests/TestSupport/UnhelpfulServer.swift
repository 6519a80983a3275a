import Foundation
import Glibc
import Resilience

/// A peer as it must not be: accepts and never answers, or answers with a byte now and then; or an HTTP server that
/// says what it is given.
public final class UnhelpfulServer: Sendable {
    public enum Behaviour: Sendable {
        case silent
        /// One byte at each interval, for ever.
        case trickling(byte: UInt8, everyMilliseconds: Int32)
        case hangsUp
        /// Header lines without end.
        case flooding
        /// One answer for each request, in their order on all connections; the last one again and again.
        case answering([Answer])
    }

    public struct Answer: Sendable {
        let text: String
        let closes: Bool

        /// - Parameters:
        ///   - text: `{port}` in it becomes the server's port.
        ///   - closes: whether the connection ends after it, announced or not.
        public init(_ text: String, closes: Bool = false) {
            self.text = text
            self.closes = closes
        }

        public static func status(_ status: Int) -> Answer {
            Answer("HTTP/1.1 \(status) Whatever\r\nContent-Length: 0\r\n\r\n")
        }
    }

    private struct Traffic {
        var connections: Set<Int32> = []
        var accepted = 0
        var requests: [String] = []
        var isHangingUp = false
    }

    public let port: UInt16
    private let listener: Int32
    private let traffic = Locked(Traffic())

    /// - Parameter address: of the loopback network, as four bytes.
    public init(_ behaviour: Behaviour, address: UInt32 = 0x7F00_0001) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = address.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe precondition(bind(listener, name, length) == 0 && listen(listener, 1024) == 0)
                unsafe precondition(getsockname(listener, name, &length) == 0)
            }
        }
        port = UInt16(bigEndian: name.sin_port)
        self.listener = listener
        Thread.detachNewThread { [traffic, port] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                let isHangingUp = traffic.withLock { traffic in
                    traffic.accepted += 1
                    traffic.connections.insert(connection)
                    return traffic.isHangingUp
                }
                if isHangingUp { shutdown(connection, Int32(SHUT_RDWR)) }
                Thread.detachNewThread {
                    Self.serve(connection, behaviour, traffic, port: port)
                    traffic.withLock { _ = $0.connections.remove(connection) }
                    close(connection)
                }
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        hangUp()
    }

    public var url: String { "http://127.0.0.1:\(port)" }
    /// Connections since the start.
    public var accepted: Int { traffic.withLock { $0.accepted } }
    /// Requests that were read; only where it answers.
    public var requests: Int { traffic.withLock { $0.requests.count } }
    /// The last of them, header fields included.
    public var lastRequest: String? { traffic.withLock { $0.requests.last } }
    /// Connections that are open.
    public var connections: Int { traffic.withLock { $0.connections.count } }

    /// Ends all connections, and every later one as soon as it is accepted.
    public func hangUp() {
        traffic.withLock { traffic in
            traffic.isHangingUp = true
            for connection in traffic.connections { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    private static func serve(
        _ connection: Int32, _ behaviour: Behaviour, _ traffic: Locked<Traffic>, port: UInt16
    ) {
        switch behaviour {
        case .hangsUp: return
        case .silent:
            var byte: UInt8 = 0
            while unsafe read(connection, &byte, 1) > 0 {}
        case .trickling(let byte, let interval):
            while send("\(Character(UnicodeScalar(byte)))", connection) { _ = poll(nil, 0, interval) }
        case .flooding:
            guard readRequest(connection) != nil, send("HTTP/1.1 200 OK\r\n", connection) else { return }
            let line = "X-Filler: \(String(repeating: "x", count: 1000))\r\n"
            while send(line, connection) {}
        case .answering(let answers):
            while let request = readRequest(connection) {
                let number = traffic.withLock { traffic in
                    traffic.requests.append(request)
                    return traffic.requests.count
                }
                let answer = answers[min(number, answers.count) - 1]
                guard send(answer.text.replacing("{port}", with: "\(port)"), connection), !answer.closes else { return }
            }
        }
    }

    /// Up to the empty line; nil at the connection's end.
    private static func readRequest(_ connection: Int32) -> String? {
        var request: [UInt8] = []
        var byte: UInt8 = 0
        while unsafe read(connection, &byte, 1) == 1 {
            request.append(byte)
            if request.suffix(4).elementsEqual("\r\n\r\n".utf8) { return String(decoding: request, as: UTF8.self) }
        }
        return nil
    }

    private static func send(_ text: String, _ connection: Int32) -> Bool {
        let bytes = Array(text.utf8)
        return unsafe Glibc.send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    }
}
