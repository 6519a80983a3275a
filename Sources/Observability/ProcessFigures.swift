import Glibc

/// The kernel's figures about this process. Works also where `/proc/self/fd` is closed to it, as for one that is not
/// dumpable.
public enum ProcessFigures {
    /// User and system time since the process began.
    public static var cpuSeconds: Double {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// In bytes; nil where `/proc` is not available.
    public static var memory: (virtual: Double, resident: Double)? {
        guard let pages = statm(), pages.count >= 2 else { return nil }
        let pageSize = Double(sysconf(Int32(_SC_PAGESIZE)))
        return (pages[0] * pageSize, pages[1] * pageSize)
    }

    public static var maximumDescriptors: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    /// Open descriptors, counted by a poll(2) of all possible ones: it marks those that are closed.
    public static var openDescriptors: Int {
        // The unit allows no more (LimitNOFILE).
        let asked = (0..<Int32(clamping: min(maximumDescriptors, 65_536))).map { pollfd(fd: $0, events: 0, revents: 0) }
        var answers = asked
        guard unsafe poll(&answers, nfds_t(answers.count), 0) >= 0 else { return 0 }
        return answers.count { $0.revents & Int16(POLLNVAL) == 0 }
    }

    /// Whether a debugger is attached (proc(5), `TracerPid`); true where `/proc` is not available.
    public static var isTraced: Bool {
        guard let status = contents(of: "/proc/self/status") else { return true }
        return !status.split(separator: UInt8(ascii: "\n")).contains { $0.elementsEqual("TracerPid:\t0".utf8) }
    }

    private static func statm() -> [Double]? {
        contents(of: "/proc/self/statm").map { bytes in
            String(decoding: bytes, as: UTF8.self).split(separator: " ").map { Double($0) ?? 0 }
        }
    }

    /// At most 4 KiB. Nil where there is nothing to read.
    private static func contents(of path: String) -> ArraySlice<UInt8>? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return count > 0 ? bytes[..<count] : nil
    }
}
