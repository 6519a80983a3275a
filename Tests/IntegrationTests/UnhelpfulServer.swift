import Foundation
import Glibc

/// A peer as it must not be: accepts and never answers, or answers with a byte now and then.
final class UnhelpfulServer: Sendable {
    enum Behaviour: Sendable {
        case silent
        /// One byte at each interval, for ever.
        case trickling(byte: UInt8, everyMilliseconds: Int32)
        case hangsUp
    }

    let port: UInt16
    private let listener: Int32

    init(_ behaviour: Behaviour) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe precondition(bind(listener, name, length) == 0 && listen(listener, 64) == 0)
                unsafe precondition(getsockname(listener, name, &length) == 0)
            }
        }
        port = UInt16(bigEndian: address.sin_port)
        self.listener = listener
        Thread.detachNewThread {
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { Self.serve(connection, behaviour) }
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    private static func serve(_ connection: Int32, _ behaviour: Behaviour) {
        defer { close(connection) }
        switch behaviour {
        case .hangsUp: return
        case .silent:
            var byte: UInt8 = 0
            while unsafe read(connection, &byte, 1) > 0 {}
        case .trickling(let byte, let interval):
            var byte = byte
            while unsafe send(connection, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 { _ = poll(nil, 0, interval) }
        }
    }
}
