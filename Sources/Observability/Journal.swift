import Glibc
public import Logging

/// systemd's journal, where it reads what a descriptor writes.
public enum Journal {
    /// Whether it reads `descriptor`: the service manager names device and inode of the stream that it connected
    /// (JOURNAL_STREAM, systemd.exec(5)), and a process whose output was redirected since has another one.
    public static func reads(_ descriptor: Int32, environment: [String: String]) -> Bool {
        let parts = (environment["JOURNAL_STREAM"] ?? "").split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let device = UInt(parts[0]), let inode = UInt(parts[1]) else { return false }
        var status = stat()
        return unsafe fstat(descriptor, &status) == 0 && UInt(status.st_dev) == device && UInt(status.st_ino) == inode
    }

    /// What the journal takes from the start of a line as the line's priority (sd-daemon(3)).
    public static func prefix(_ level: Logger.Level) -> StaticString {
        switch level {
        case .critical: "<2>"
        case .error: "<3>"
        case .warning: "<4>"
        case .notice: "<5>"
        case .info: "<6>"
        case .debug, .trace: "<7>"
        }
    }
}
