import CLinux
public import Cryptography
import Glibc

/// A key ring's file. A change is atomic: every reader finds either the old ring or the new one, whole.
public struct KeyRingFile {
    private let path: String

    /// - Parameter path: a symbolic link is followed; what it points to is replaced.
    public init(_ path: String) { self.path = path }

    public func read() throws(KeyRingError) -> KeyRingDocument {
        do {
            return try KeyRingDocument(wiping: try SecretFile.read(path))
        } catch let error as KeyRingError {
            throw KeyRingError("\(path): \(error)")
        } catch {
            throw KeyRingError("\(error)")
        }
    }

    /// Makes a file that only its owner may read.
    /// - Throws: where there is one already.
    public func create(_ document: KeyRingDocument) throws(KeyRingError) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw errno == EEXIST
                ? KeyRingError("\(path) is there already; it was not touched") : Self.failure("cannot make", path)
        }
        defer { close(descriptor) }
        do {
            try Self.write(document, to: descriptor, path)
        } catch {
            unsafe unlink(path)
            throw error
        }
    }

    /// Replaces the ring by the result of `change`. Mode and owner stay; concurrent changes run one after the other.
    public func change(
        _ change: (KeyRingDocument) throws(KeyRingError) -> KeyRingDocument
    ) throws(KeyRingError) {
        guard let resolved = unsafe realpath(path, nil) else { throw Self.failure("cannot read", path) }
        defer { unsafe free(resolved) }
        let target = unsafe String(cString: resolved)
        let (locked, status) = try Self.lock(target)
        defer { close(locked) }
        try Self.replace(target, locked, like: status, with: try change(try KeyRingFile(target).read()))
    }

    /// Opens and locks the file at `path`; waits while another process holds its lock.
    private static func lock(_ path: String) throws(KeyRingError) -> (descriptor: Int32, status: stat) {
        while true {
            let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw failure("cannot read", path) }
            while flock(descriptor, LOCK_EX) != 0, errno == EINTR {}
            var (mine, there) = (stat(), stat())
            let isSame =
                unsafe fstat(descriptor, &mine) == 0 && stat(path, &there) == 0 && mine.st_ino == there.st_ino
                && mine.st_dev == there.st_dev
            if isSame { return (descriptor, mine) }
            // The previous holder of the lock has replaced the file.
            close(descriptor)
        }
    }

    private static func replace(_ path: String, _ locked: Int32, like status: stat, with document: KeyRingDocument)
        throws(KeyRingError)
    {
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let fresh = "\(path).\(getpid()).new"
        // A killed process with the same id may have left one; the lock shows that no process uses it now.
        unsafe unlink(fresh)
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot make", fresh) }
        defer { close(descriptor) }
        do throws(KeyRingError) {
            // Before the file holds anything that others may read. A directory may pass its own group, and its own
            // access list, to new files.
            var made = stat()
            guard unsafe fstat(descriptor, &made) == 0 else { throw failure("cannot make", fresh) }
            if made.st_uid != status.st_uid || made.st_gid != status.st_gid {
                guard fchown(descriptor, status.st_uid, status.st_gid) == 0 else {
                    throw failure("cannot keep the owner of", path)
                }
            }
            guard copyAccessList(from: locked, to: descriptor) else {
                throw failure("cannot keep the access list of", path)
            }
            guard fchmod(descriptor, status.st_mode & 0o7777) == 0 else {
                throw failure("cannot keep the mode of", path)
            }
            try write(document, to: descriptor, fresh)
            guard unsafe rename(fresh, path) == 0 else { throw failure("cannot replace", path) }
        } catch {
            unsafe unlink(fresh)
            throw error
        }
        // The name must also survive a loss of power.
        let parent = unsafe open(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if parent >= 0 {
            fsync(parent)
            close(parent)
        }
    }

    /// Copies what acl(5) adds to the mode, where the file system has such lists.
    private static func copyAccessList(from old: Int32, to fresh: Int32) -> Bool {
        let name = "system.posix_acl_access"
        // An attribute's value is not larger (xattr(7)).
        var list = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe fgetxattr(old, name, &list, list.count)
        if count >= 0 { return unsafe fsetxattr(fresh, name, list, count, 0) == 0 }
        guard errno == ENODATA || errno == ENOTSUP else { return false }
        return unsafe fremovexattr(fresh, name) == 0 || errno == ENODATA || errno == ENOTSUP
    }

    private static func write(_ document: KeyRingDocument, to descriptor: Int32, _ path: String) throws(KeyRingError) {
        var text = document.json
        defer { text.wipe() }
        var written = 0
        while written < text.count {
            let count = unsafe text[written...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot write", path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw failure("cannot write", path) }
    }

    private static func failure(_ what: String, _ path: String) -> KeyRingError {
        KeyRingError("\(what) \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
