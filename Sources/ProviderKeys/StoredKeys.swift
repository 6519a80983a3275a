import BearerTokens
import Cryptography
import Glibc
import KeyManagement
import StreamIssuing

/// The last key set of each location, on disk, for a start while its provider is away. A file holds the set as it was
/// published; its time of change is when it was fetched.
struct StoredKeys: Sendable {
    /// What stands there verifies tokens, so that only its owner may write into it.
    let directory: String
    /// False for a command, which only reads.
    var isWritten = true

    /// - Returns: nil where there is none that may be trusted, or where it is not usable any more.
    func read(_ location: KeyLocation) -> (keys: PublishedKeys, fetchedAt: UnixTime)? {
        let path = path(location)
        guard let owner = trustedOwner(), let file = Self.status(path), file.st_mode & S_IFMT == S_IFREG,
            file.st_uid == owner, file.st_mode & 0o022 == 0,
            let text = try? SecretFile.read(path),
            let keys = try? PublishedKeys(jsonWebKeySet: text).withoutSecrets()
        else { return nil }
        return (keys, UnixTime(seconds: Int64(file.st_mtim.tv_sec)))
    }

    /// Replaces the file as a whole: a reader finds the former set or this one.
    /// - Returns: why it was not possible; nil where it was.
    func write(_ text: [UInt8], _ location: KeyLocation) -> String? {
        guard isWritten else { return nil }
        guard Self.status(directory) != nil else { return Self.failure() }
        guard trustedOwner() != nil else { return "others may write into \(directory)" }
        let path = path(location)
        let fresh = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
        let descriptor = unsafe open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return Self.failure() }
        defer { close(descriptor) }
        guard Self.write(text, to: descriptor), fsync(descriptor) == 0, unsafe rename(fresh, path) == 0 else {
            let failure = Self.failure()
            unsafe unlink(fresh)
            return failure
        }
        return nil
    }

    /// Whom the directory belongs to; nil where others may write into it.
    private func trustedOwner() -> uid_t? {
        guard let status = Self.status(directory), status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o022 == 0
        else { return nil }
        return status.st_uid
    }

    /// Of a link itself; nil where there is no such file.
    private static func status(_ path: String) -> stat? {
        var status = stat()
        return unsafe lstat(path, &status) == 0 ? status : nil
    }

    private static func write(_ text: [UInt8], to descriptor: Int32) -> Bool {
        var written = 0
        while written < text.count {
            let count = unsafe text[written...].withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    private static func failure() -> String { unsafe String(cString: strerror(errno)) }

    /// Named by the location's hash: a URL is no file name.
    private func path(_ location: KeyLocation) -> String {
        let kind = if case .keys = location.address { "keys" } else { "discovery" }
        let name = SHA256().hash("\(kind) \(location.url)".utf8.span)
        return "\(directory)/token-keys-\(name.hexadecimal.prefix(32)).json"
    }
}
