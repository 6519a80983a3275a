import Glibc
import KeyManagement

/// Files as setup reads and replaces them. A reader finds the old file or the new one, whole.
enum SetupFiles {
    /// Nil where there is none.
    static func read(_ path: String) throws(SetupFailure) -> String? {
        guard exists(path) else { return nil }
        do {
            return String(decoding: try SecretFile.read(path, shownAs: path), as: UTF8.self)
        } catch {
            throw SetupFailure("\(error)", advice: "run setup as root, and look at the file")
        }
    }

    static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Seconds since 1970; nil where there is no such file.
    static func modified(_ path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mtim.tv_sec : nil
    }

    /// Nil where there is no such file.
    static func permissions(of path: String) -> (group: gid_t, mode: mode_t)? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? (status.st_gid, status.st_mode & 0o7777) : nil
    }

    /// Replaces a file, or makes it; a symbolic link stays one.
    /// - Parameter group: nil for that of the process.
    static func write(_ text: String, to path: String, mode: mode_t, group: gid_t? = nil) throws(SetupFailure) {
        let target = resolved(path)
        let fresh = "\(target).\(getpid()).new"
        unsafe unlink(fresh)
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot write", target) }
        defer { close(descriptor) }
        do throws(SetupFailure) {
            // Before it holds anything: a directory may give new files another group.
            guard fchown(descriptor, uid_t.max, group ?? getegid()) == 0, fchmod(descriptor, mode) == 0 else {
                throw failure("cannot set the group and mode of", fresh)
            }
            try writeAll(Array(text.utf8), to: descriptor, fresh)
            guard fsync(descriptor) == 0, unsafe rename(fresh, target) == 0 else {
                throw failure("cannot replace", target)
            }
        } catch {
            unsafe unlink(fresh)
            throw error
        }
    }

    static func remove(_ path: String) throws(SetupFailure) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else { throw failure("cannot remove", path) }
    }

    /// Only where it is empty.
    static func removeDirectory(_ path: String) { unsafe _ = rmdir(path) }

    static func makeDirectory(_ path: String, mode: mode_t, group: gid_t? = nil) throws(SetupFailure) {
        guard unsafe mkdir(path, 0o700) == 0 else {
            if errno == EEXIST { return }
            throw failure("cannot make", path)
        }
        guard unsafe chown(path, uid_t.max, group ?? getegid()) == 0, unsafe chmod(path, mode) == 0 else {
            throw failure("cannot set the group and mode of", path)
        }
    }

    static func setAccess(_ path: String, mode: mode_t, group: gid_t) throws(SetupFailure) {
        guard unsafe chown(path, uid_t.max, group) == 0, unsafe chmod(path, mode) == 0 else {
            throw failure("cannot set the group and mode of", path)
        }
    }

    /// A directory of its own below /tmp, for this process alone.
    static func makeTemporaryDirectory() throws(SetupFailure) -> String {
        var template = Array("/tmp/novatune-setup.XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw failure("cannot make a directory in", "/tmp") }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// The names of the files in a directory, in order; none where there is no such directory.
    static func names(in directory: String) -> [String] {
        guard let stream = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// What a symbolic link says; nil where it is none.
    static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink(path, &buffer, buffer.count - 1)
        return count < 0 ? nil : String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func link(_ path: String, to target: String) throws(SetupFailure) {
        guard unsafe symlink(target, path) == 0 || errno == EEXIST else { throw failure("cannot make", path) }
    }

    /// The number of an account's own group; nil where there is no such group.
    static func group(named name: String) -> gid_t? { unsafe getgrnam(name).map { unsafe $0.pointee.gr_gid } }

    static func hasAccount(_ name: String) -> Bool { unsafe getpwnam(name) != nil }

    private static func resolved(_ path: String) -> String {
        guard let resolved = unsafe realpath(path, nil) else { return path }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    private static func writeAll(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(SetupFailure) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot write", path) }
            written += count
        }
    }

    private static func failure(_ what: String, _ path: String) -> SetupFailure {
        SetupFailure(
            "\(what) \(path): \(unsafe String(cString: strerror(errno)))", advice: "run setup as root, and look at it")
    }
}
