import Glibc

/// A program that is found in PATH and inherits nothing but what it is given. Foundation's `Process` is no use beside
/// servers: it waits for one process after another.
public enum Subprocess {
    public struct Failure: Error {
        public let program: String
        public let code: Int32
    }

    /// Runs it to its end.
    /// - Returns: its standard output and exit status.
    @discardableResult
    public static func run(_ arguments: [String]) throws(Failure) -> (output: String, status: Int32) {
        let (reading, writing) = try pipe(arguments)
        let process = try spawn(arguments, output: writing, closing: writing)
        defer { close(reading) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe read(reading, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return (String(decoding: bytes, as: UTF8.self), wait(for: process))
    }

    /// A server: it is killed when this object ends, and when this process does.
    public final class Server: Sendable {
        private let process: pid_t
        private let input: Int32

        public init(_ arguments: [String]) throws(Failure) {
            let (reading, writing) = try Subprocess.pipe(arguments)
            let script = #""$@" & cat; kill -9 $!; wait"#
            process = try Subprocess.spawn(["sh", "-c", script, "sh"] + arguments, input: reading, closing: reading)
            input = writing
        }

        deinit {
            close(input)
            _ = Subprocess.wait(for: process)
        }
    }

    private static func pipe(_ arguments: [String]) throws(Failure) -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw Failure(program: arguments[0], code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// - Parameter closing: a descriptor of this process that only the program needs.
    private static func spawn(
        _ arguments: [String], input: Int32? = nil, output: Int32? = nil, closing: Int32
    ) throws(Failure) -> pid_t {
        defer { close(closing) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (given, own, mode) in [(input, STDIN_FILENO, O_RDONLY), (output, STDOUT_FILENO, O_WRONLY)] {
            if let given {
                unsafe posix_spawn_file_actions_adddup2(&actions, given, own)
            } else {
                unsafe posix_spawn_file_actions_addopen(&actions, own, "/dev/null", mode, 0)
            }
        }
        unsafe posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1)
        let copies = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let result = unsafe posix_spawnp(&process, arguments[0], &actions, nil, copies, environ)
        guard result == 0 else { throw Failure(program: arguments[0], code: result) }
        return process
    }

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        return status
    }
}
