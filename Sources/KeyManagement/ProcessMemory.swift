import CLinux
import Glibc

/// The memory of the process: it contains keys and URLs.
public enum ProcessMemory {
    /// Forbids core files of the process, also those that are piped to a program, and access to its memory by other
    /// processes of the same user. Where the process does not run as root, `/proc/self` is then for root only.
    /// - Returns: false where the system refused.
    @discardableResult
    public static func keepPrivate() -> Bool {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        let isLimited = unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none) == 0
        // Try both, even where one fails: a seccomp filter may forbid it.
        return novatune_set_not_dumpable() == 0 && isLimited
    }

    /// What to do where keys are not locked against being swapped to disk (`SymmetricKey.isMemoryLocked`).
    public static let lockingAdvice =
        "keys are not locked in memory and may be swapped to disk; raise RLIMIT_MEMLOCK to 1 MiB (LimitMEMLOCK= of systemd, ulimit -l)"

    /// A crash shows by its signal only. Swift's own report shows registers and the memory that they point at
    /// (SWIFT_BACKTRACE), which may belong to a key.
    public static func crashWithoutReport() {
        for crash in [SIGILL, SIGTRAP, SIGABRT, SIGFPE, SIGBUS, SIGSEGV] { _ = signal(crash, SIG_DFL) }
    }

    public static var isPrivate: Bool {
        var limit = rlimit()
        return unsafe getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0 && limit.rlim_max == 0
            && novatune_is_dumpable() == 0
    }
}
