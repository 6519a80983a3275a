import Glibc

/// Notifies systemd, where it asks for it: datagrams of `NAME=value` on the socket that it names (sd_notify(3)).
struct ServiceManager {
    private let path: String?
    /// How often to send a heartbeat; nil where systemd expects none. Half of what systemd allows, as
    /// sd_watchdog_enabled(3) advises.
    let heartbeat: Duration?

    init(environment: [String: String], processID: Int32) {
        path = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(processID) } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        heartbeat = path != nil && isForUs && microseconds > 0 ? .microseconds(microseconds / 2) : nil
    }

    /// - Returns: whether systemd was notified.
    @discardableResult func ready() -> Bool { notify("READY=1") }

    func isAlive() {
        if heartbeat != nil { notify("WATCHDOG=1") }
    }

    func stopping() { notify("STOPPING=1") }

    func reloading() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
    }

    /// A failure is ignored: systemd's own timeouts handle it.
    @discardableResult private func notify(_ state: String) -> Bool {
        guard let path else { return false }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let name = Array(path.utf8)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: name) }
        // An abstract name begins with a zero byte instead of the @.
        if name.first == UInt8(ascii: "@") { address.sun_path.0 = 0 }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        let bytes = Array(state.utf8)
        let sent = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bytes.withUnsafeBytes { bytes in
                    unsafe sendto(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL), address, length)
                }
            }
        }
        return sent == bytes.count
    }
}
