public import Cryptography
import Glibc

/// A key ring in a directory, one file for each version, as Kubernetes mounts a secret: `v1` and `v2` hold the keys, as
/// base64 or as 32 bytes, and `current` the name of the version to seal with.
///
/// Names that begin with a dot are skipped. Where there is a link `..data`, which a Kubernetes node swaps when the
/// secret changes, all files are read through it, so that no ring mixes two editions.
public struct DirectoryKeyRing: KeyRingSource {
    private let path: String

    public init(_ path: String) { self.path = path }

    public var name: String { "directory \(path)" }
    public var watchedPaths: [String] { [path] }

    /// How often the directory is read again where it changes during the read, and how long to wait before.
    private static let attempts = 25
    private static let pause: Duration = .milliseconds(4)

    public func read() throws(KeyRingError) -> KeyRing {
        for _ in 1..<Self.attempts {
            let before = FileStamp(of: [path])
            do throws(KeyRingError) {
                let (ring, isOfOneEdition) = try readOnce()
                if isOfOneEdition || FileStamp(of: [path]) == before { return ring }
            } catch {
                if FileStamp(of: [path]) == before { throw error }
            }
            Pause.wait(Self.pause)
        }
        return try readOnce().ring
    }

    /// The node swaps `..data` first and removes its old target afterwards: a target that is still there after the read
    /// was read whole.
    private func readOnce() throws(KeyRingError) -> (ring: KeyRing, isOfOneEdition: Bool) {
        let directory = try KeyDirectory(path)
        var keys: [KeyRing.Version: SymmetricKey] = [:]
        var current: KeyRing.Version?
        for name in try directory.entries() {
            guard KeyRing.isVersion(name) else {
                throw KeyRingError("\(path): a file's name is 1 to 255 of A-Z a-z 0-9 . _ -")
            }
            var bytes = try directory.read(name)
            defer { bytes.wipe() }
            if name == "current" {
                current = String(decoding: Self.trimmed(bytes), as: UTF8.self)
            } else {
                keys[name] = try Self.key(name, bytes)
            }
        }
        guard let current else {
            throw KeyRingError("\(path): no file \"current\" that names the version to seal with")
        }
        guard !keys.isEmpty else { throw KeyRingError("\(path): no keys") }
        return (try KeyRing(current: current, keys: keys), directory.isCurrentEdition)
    }

    private static func key(_ version: KeyRing.Version, _ bytes: [UInt8]) throws(KeyRingError) -> SymmetricKey {
        if bytes.count == AES256GCM.keyLength {
            // One of 2^45 random keys looks like this; a shorter key in base64 or hexadecimal digits always does.
            guard !bytes.allSatisfy({ (0x20...0x7e).contains($0) }) else {
                throw KeyRingError(
                    "version \(version): 32 characters of text are no key; write 32 bytes, or 32 bytes in base64")
            }
            return SymmetricKey(bytes)
        }
        guard let key = SymmetricKey(base64: trimmed(bytes)) else {
            throw KeyRingError("version \(version): not base64")
        }
        return key
    }

    /// Without the line break that editors and `echo` write at the end.
    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var text = bytes[...]
        while let last = text.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: "\r") { text = text.dropLast() }
        return text
    }
}

/// An open directory: it stays the same when its path is renamed or replaced.
struct KeyDirectory: ~Copyable {
    private let path: String
    private let descriptor: Int32
    init(_ path: String) throws(KeyRingError) {
        self.path = path
        let data = unsafe open(path + "/..data", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        descriptor = data >= 0 ? data : unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.unreadable(path)
        }
    }

    deinit { close(descriptor) }

    func entries() throws(KeyRingError) -> [String] {
        // The stream owns its descriptor.
        let own = unsafe openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw Self.unreadable(path) }
        guard let stream = unsafe fdopendir(own) else {
            defer { close(own) }
            throw Self.unreadable(path)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while true {
            // At the end, readdir(3) leaves errno unchanged.
            errno = 0
            guard let entry = unsafe readdir(stream) else { break }
            // Read in place: the record ends with its name, so a copy of the whole member would read beyond the record.
            guard let field = unsafe entry.pointer(to: \.d_name) else { continue }
            let name = unsafe String(cString: UnsafeRawPointer(field).assumingMemoryBound(to: CChar.self))
            if !name.hasPrefix(".") { names.append(name) }
        }
        guard errno == 0 else { throw Self.unreadable(path) }
        return names.sorted()
    }

    private static func unreadable(_ path: String) -> KeyRingError {
        // Before the path is examined, which may fail with another error.
        let cause = unsafe String(cString: strerror(errno))
        return KeyRingError("cannot read \(SecretFile.shown(path)): \(cause)")
    }

    /// Whether `..data` leads to it now.
    var isCurrentEdition: Bool {
        var (own, current) = (stat(), stat())
        return unsafe fstat(descriptor, &own) == 0 && stat(path + "/..data", &current) == 0
            && own.st_ino == current.st_ino
            && own.st_dev == current.st_dev
    }

    func read(_ name: String) throws(KeyRingError) -> [UInt8] {
        do { return try SecretFile.read(name, in: descriptor, shownAs: "\(path)/\(name)") } catch {
            throw KeyRingError("\(error)")
        }
    }
}

/// For callers that check the files of a key directory and do not read them.
public enum KeyDirectoryListing {
    /// Paths; none where there is no such directory.
    public static func files(_ path: String) -> [String] {
        guard let directory = try? KeyDirectory(path) else { return [] }
        return ((try? directory.entries()) ?? []).map { "\(path)/\($0)" }
    }
}
