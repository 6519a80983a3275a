import Glibc
import Resilience
import StreamIssuing

/// Runs programs of this machine.
struct CommandRunner: CommandRunning {
    private static let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// They are taken out of what programs print.
    let secrets: [SecretText]
    /// For programs that run as the account of setup.
    let home: String

    func output(_ command: ExternalCommand) throws(SetupFailure) -> CommandOutput {
        var arguments = [try Self.find(command.program)] + command.arguments
        if let account = command.account { arguments = [try Self.find("runuser"), "-u", account, "--"] + arguments }
        // Files, because a program that prints much would wait for the reader of a pipe. They have no names.
        let (printed, complained) = (try Self.makeFile(), try Self.makeFile())
        defer {
            close(printed)
            close(complained)
        }
        let process = try Self.spawn(arguments, variables(command), input: command.input, printed, complained)
        let status = try Self.wait(for: process, command)
        return CommandOutput(
            status: status, text: hidingSecrets(Self.read(printed)), errors: hidingSecrets(Self.read(complained)))
    }

    private func hidingSecrets(_ text: String) -> String {
        secrets.reduce(text) { text, secret in
            let secret = secret.exposeSecret()
            guard secret.utf8.count >= 6 else { return text }
            return text.split(separator: secret, omittingEmptySubsequences: false).joined(separator: "…")
        }
    }

    private static func find(_ program: String) throws(SetupFailure) -> String {
        if program.contains("/") {
            guard unsafe access(program, X_OK) == 0 else {
                throw SetupFailure("\(program) is not a program", advice: "correct its path")
            }
            return program
        }
        for directory in path.split(separator: ":") where unsafe access("\(directory)/\(program)", X_OK) == 0 {
            return "\(directory)/\(program)"
        }
        let package = ExternalCommand.packages[program] ?? program
        throw SetupFailure(
            "\(program) is not installed",
            advice: "apt-get install --no-install-recommends \(package), then run setup again"
        )
    }

    private func variables(_ command: ExternalCommand) -> [String] {
        let home = command.account == nil ? home : "/nonexistent"
        let own = ["PATH": Self.path, "HOME": home, "LC_ALL": "C.UTF-8"]
        return own.merging(command.environment) { $1 }.map { "\($0.key)=\($0.value)" }
    }

    private static func makeFile() throws(SetupFailure) -> Int32 {
        var template = Array("/tmp/novatune-setup.XXXXXX".utf8CString)
        let descriptor = unsafe mkstemp(&template)
        guard descriptor >= 0 else { throw failure("cannot make a file in /tmp", errno) }
        unsafe unlink(template)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func read(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        lseek(descriptor, 0, SEEK_SET)
        while bytes.count < 4 << 20 {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A pipe that holds the whole input before the program starts: at most what a pipe takes without a reader.
    private static func makeInput(_ text: String) throws(SetupFailure) -> Int32 {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw failure("cannot make a pipe", errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        let bytes = Array(text.utf8)
        precondition(bytes.count <= 32 << 10)
        let written = unsafe bytes.withUnsafeBytes { unsafe write(ends[1], $0.baseAddress, $0.count) }
        guard written == bytes.count else { throw failure("cannot write to a pipe", errno) }
        return ends[0]
    }

    private static func spawn(
        _ arguments: [String], _ variables: [String], input: String, _ printed: Int32, _ complained: Int32
    ) throws(SetupFailure) -> pid_t {
        let reading = try makeInput(input)
        defer { close(reading) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, reading, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, printed, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, complained, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // A signal that this process blocks must be able to end the program.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        var process: pid_t = 0
        let result = unsafe withStrings(arguments) { arguments in
            unsafe withStrings(variables) { variables in
                unsafe posix_spawn(&process, arguments[0]!, &actions, &attributes, arguments, variables)
            }
        }
        guard result == 0 else { throw failure("cannot start \(arguments[0])", result) }
        return process
    }

    private static func withStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result)
        -> Result
    {
        let copies = unsafe strings.map { unsafe strdup($0) }
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe body(copies + [nil])
    }

    /// Its exit code, or 128 plus the number of the signal that ended it, as in shells.
    private static func wait(for process: pid_t, _ command: ExternalCommand) throws(SetupFailure) -> Int32 {
        let deadline = Deadline(after: command.timeout)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, WNOHANG) == 0 {
            if deadline.isPast {
                Self.end(process)
                throw SetupFailure(
                    "\(command.name) did not end within \(command.timeout.components.seconds) s",
                    advice: "run it by hand to see why, then run setup again")
            }
            _ = poll(nil, 0, 10)
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }

    /// Politely, and after 5 s by force.
    private static func end(_ process: pid_t) {
        kill(process, SIGTERM)
        let deadline = Deadline(after: .seconds(5))
        var status: Int32 = 0
        while unsafe waitpid(process, &status, WNOHANG) == 0 {
            if deadline.isPast { kill(process, SIGKILL) }
            _ = poll(nil, 0, 10)
        }
    }

    private static func failure(_ what: String, _ code: Int32) -> SetupFailure {
        SetupFailure("\(what): \(unsafe String(cString: strerror(code)))", advice: "look at the machine's resources")
    }
}
