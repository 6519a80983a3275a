import CLinux
import Cryptography
import Glibc
import Resilience

/// A running command, in a process group of its own, whose standard output is read.
final class ChildProcess {
    /// What went wrong; the text follows the command's name.
    struct Failure: Error, Equatable, CustomStringConvertible {
        let description: String

        /// A failed system call, with its error number.
        static func system(_ what: String, _ code: Int32) -> Failure {
            Failure(description: "\(what): \(unsafe String(cString: strerror(code)))")
        }
    }

    private let output: Int32
    private let process: pid_t
    private var isReaped = false

    /// - Parameter arguments: the program's path first; it is not searched for.
    init(_ arguments: [String]) throws(Failure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw .system("has no pipe", errno) }
        defer { close(ends[1]) }
        do {
            process = try Self.spawn(arguments, output: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        output = ends[0]
    }

    deinit {
        if !isReaped {
            kill(-process, SIGKILL)
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        }
        close(output)
    }

    /// The whole output, once the command has succeeded.
    /// - Parameters:
    ///   - limit: in bytes; a command that prints more is killed.
    ///   - deadline: after which it is killed.
    func output(limit: Int, by deadline: Deadline) throws(Failure) -> [UInt8] {
        var bytes = try readOutput(limit: limit, by: deadline)
        do throws(Failure) {
            let status = try exitStatus(by: deadline)
            guard status == 0 else {
                throw Failure(description: "failed with exit status \(status); run it by hand to see its words")
            }
            return bytes
        } catch {
            bytes.wipe()
            throw error
        }
    }

    private static let late = Failure(description: "did not end in time")

    private func readOutput(limit: Int, by deadline: Deadline) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        // Reserve all of it first, so that growing leaves no copies behind.
        bytes.reserveCapacity(limit)
        var chunk = [UInt8](repeating: 0, count: 4096)
        defer { chunk.wipe() }
        do throws(Failure) {
            while true {
                var waiting = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                let ready = unsafe poll(&waiting, 1, deadline.remainingMilliseconds)
                if ready < 0, errno == EINTR { continue }
                guard ready > 0 else { throw Self.late }
                let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(output, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw Failure.system("cannot be read", errno) }
                if count == 0 { return bytes }
                guard bytes.count + count <= limit else {
                    throw Failure(description: "printed more than \(limit) bytes")
                }
                bytes.append(contentsOf: chunk[..<count])
            }
        } catch {
            bytes.wipe()
            throw error
        }
    }

    /// Its exit code, or 128 plus the number of the signal that ended it, as in shells.
    private func exitStatus(by deadline: Deadline) throws(Failure) -> Int32 {
        var status: Int32 = 0
        while true {
            let reaped = unsafe waitpid(process, &status, WNOHANG)
            if reaped == process { break }
            if reaped < 0, errno != EINTR {
                // Another process may have its process id by now.
                isReaped = errno == ECHILD
                throw .system("was not waited for", errno)
            }
            guard !deadline.isPast else { throw Self.late }
            // It has closed its output and is about to end.
            _ = poll(nil, 0, 2)
        }
        isReaped = true
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    private static func spawn(_ arguments: [String], output: Int32) throws(Failure) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        // The command must not inherit sockets from a service manager, connections or the pipe's other end.
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)

        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF))
        // The service blocks and ignores signals that must be able to end the command.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigaddset(&signals, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)

        var process: pid_t = 0
        let result = unsafe withStrings(arguments) { arguments in
            unsafe withStrings(environmentForOthers()) { environment in
                unsafe posix_spawn(&process, arguments[0]!, &actions, &attributes, arguments, environment)
            }
        }
        guard result == 0 else { throw .system("cannot be started", result) }
        return process
    }

    /// The process's own environment without `NOVATUNE_*`, which holds secrets.
    private static func environmentForOthers() -> [String] {
        var entries: [String] = []
        var entry = unsafe environ
        while let pointer = unsafe entry.pointee {
            let text = unsafe String(cString: pointer)
            if !text.hasPrefix("NOVATUNE_") { entries.append(text) }
            unsafe entry += 1
        }
        return entries
    }

    /// Passes the strings as C's null-terminated list of pointers.
    private static func withStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result)
        -> Result
    {
        let copies = unsafe strings.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe body(copies + [nil])
    }
}
