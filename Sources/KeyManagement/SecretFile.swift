import Cryptography
import Glibc

/// Small files that hold secrets or settings. They are read whole, and again whenever they change, so only regular
/// files are accepted: a pipe delivers its contents only once, and may never deliver anything.
public enum SecretFile {
    /// Names the file, never its contents.
    public struct ReadError: Error, Sendable, Equatable, CustomStringConvertible {
        public let description: String
    }

    /// In bytes. No setting is larger.
    public static let limit = 1 << 20

    public static func read(_ path: String) throws(ReadError) -> [UInt8] { try read(path, shownAs: shown(path)) }

    /// - Parameter name: of the file, in errors.
    public static func read(_ path: String, shownAs name: String) throws(ReadError) -> [UInt8] {
        try read(path, in: AT_FDCWD, shownAs: name)
    }

    /// The path, where it is plausible: a file in an existing directory. An operator who writes a secret in place of
    /// its path must not find it in a log.
    public static func shown(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return unsafe access(path, F_OK) == 0 ? path : "the file" }
        var status = stat()
        let isInDirectory = unsafe slash != path.startIndex && stat(String(path[..<slash]), &status) == 0
        return isInDirectory && status.st_mode & S_IFMT == S_IFDIR ? path : "the file"
    }

    /// - Parameter directory: a descriptor that a relative path starts from.
    static func read(_ path: String, in directory: Int32, shownAs name: String) throws(ReadError) -> [UInt8] {
        // Opening a pipe would wait for its writer.
        let descriptor = unsafe openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw error(name) }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw error(name) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ReadError(description: "\(name) is not a regular file, which is read again whenever it changes")
        }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        defer { chunk.wipe() }
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw error(name) }
            if count == 0 { return bytes }
            guard bytes.count + count <= limit else {
                bytes.wipe()
                throw ReadError(description: "\(name) is larger than 1 MiB")
            }
            bytes.append(wiping: chunk[..<count])
        }
    }

    private static func error(_ name: String) -> ReadError {
        ReadError(description: "cannot read \(name): \(unsafe String(cString: strerror(errno)))")
    }
}

extension [UInt8] {
    /// Drops the mark that some editors put before UTF-8, without making a copy.
    public mutating func dropByteOrderMark() {
        if starts(with: [0xef, 0xbb, 0xbf]) { removeFirst(3) }
    }

    /// Appends `bytes`; where the array has to move, overwrites its old storage.
    mutating func append(wiping bytes: ArraySlice<UInt8>) {
        if count + bytes.count > capacity {
            var moved: [UInt8] = []
            moved.reserveCapacity(Swift.max(count + bytes.count, 2 * capacity))
            moved.append(contentsOf: self)
            wipe()
            self = moved
        }
        append(contentsOf: bytes)
    }
}
