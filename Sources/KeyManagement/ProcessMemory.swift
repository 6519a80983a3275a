import CLinux
import Glibc

/// The process's memory as a whole: keys and URLs are in it.
public enum ProcessMemory {
    /// No core file is written of it, also none that is piped to a program, and no other process of the same user may look into it.
    /// For a process that is not root's, `/proc/self` is then for root only.
    /// - Returns: false where the system refused.
    @discardableResult
    public static func keepPrivate() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        // Both, whatever became of the one: a seccomp filter may forbid it.
        return novatune_set_not_dumpable() == 0 && isLimited
    }

    /// Whoever crashes says so by the signal alone. Swift's own report shows registers and the memory that they point at
    /// (SWIFT_BACKTRACE), which may be a key's.
    public static func crashWithoutReport() {
        for crash in [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV] { _ = signal(crash, SIG_DFL) }
    }

    public static var isPrivate: Bool {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max == 0
            && novatune_is_dumpable() == 0
    }
}
