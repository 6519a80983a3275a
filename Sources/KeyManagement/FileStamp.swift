import Glibc

/// Shows whether a file, or the contents of a directory, may have changed since the last check: device, inode, size and
/// times of each, symbolic links followed. Equal stamps of an existing file mean the same contents, unless the clock
/// was set back.
public struct FileStamp: Sendable, Equatable {
    private struct Mark: Sendable, Equatable {
        let name: String
        let device, inode: UInt
        let size, seconds, nanoseconds, changedSeconds, changedNanoseconds: Int
    }

    private let marks: [Mark]

    public init(of paths: [String]) {
        marks = paths.flatMap { path in
            ([path] + KeyDirectoryListing.files(path)).compactMap(Self.mark)
        }
    }

    private static func mark(_ path: String) -> Mark? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Mark(
            name: path, device: UInt(status.st_dev), inode: UInt(status.st_ino), size: Int(status.st_size),
            seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec, changedSeconds: status.st_ctim.tv_sec,
            changedNanoseconds: status.st_ctim.tv_nsec)
    }
}
