import Foundation
import Glibc
import TestSupport
import Testing

@testable import novatune_streamd

@Suite struct ServiceManagerTests {
    /// systemd's end of the conversation.
    private final class Listener {
        private let descriptor: Int32

        init(_ path: String) throws {
            descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            let name = Array(path.utf8)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
            if path.hasPrefix("@") { address.sun_path.0 = 0 }
            let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
            let result = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
            }
            #expect(result == 0)
        }

        deinit { close(descriptor) }

        func next() -> String? {
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = unsafe recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
        }
    }

    private func converse(_ path: String) throws {
        let listener = try Listener(path)
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "1000000"], processID: 7)
        manager.ready()
        manager.isAlive()
        manager.stopping()
        manager.reloading()
        #expect([listener.next(), listener.next(), listener.next()] == ["READY=1", "WATCHDOG=1", "STOPPING=1"])
        #expect(listener.next()?.wholeMatch(of: #/RELOADING=1\nMONOTONIC_USEC=\d+/#) != nil)
    }

    @Test func stateIsSentToASocketWithAPath() throws {
        let directory = try TemporaryDirectory()
        try converse(directory.path("notify.sock"))
    }

    @Test func stateIsSentToAnAbstractSocket() throws {
        try converse("@novatune-test-\(getpid())")
    }

    @Test(arguments: [
        [:], ["NOTIFY_SOCKET": ""], ["NOTIFY_SOCKET": "relative"], ["NOTIFY_SOCKET": "/nonexistent/notify.sock"],
        ["NOTIFY_SOCKET": "/" + String(repeating: "x", count: 200)],
    ])
    func missingNotifySocketIsIgnored(environment: [String: String]) {
        #expect(!ServiceManager(environment: environment, processID: 7).ready())
    }

    @Test(arguments: [
        Row("", Duration?.none), Row("WATCHDOG_USEC=30000000", .seconds(15)),
        Row("WATCHDOG_USEC=30000000 WATCHDOG_PID=7", .seconds(15)),
        Row("WATCHDOG_USEC=30000000 WATCHDOG_PID=8", nil), Row("WATCHDOG_USEC=0", nil), Row("WATCHDOG_USEC=-5", nil),
        Row("WATCHDOG_USEC=soon", nil),
    ])
    func heartbeatIsHalfTheWatchdogInterval(_ row: Row<Duration?>) {
        var environment = ["NOTIFY_SOCKET": "/run/notify"]
        for pair in row.name.split(separator: " ") {
            let parts = pair.split(separator: "=")
            environment[String(parts[0])] = String(parts[1])
        }
        #expect(ServiceManager(environment: environment, processID: 7).heartbeat == row.value)
    }
}
