import KeyManagement

/// Whether files of settings are others than those that were read: a value.
struct ChangedFiles: Sendable {
    private var taken: FileStamp
    /// The files as they were a moment ago.
    private var seen: FileStamp

    /// - Parameter taken: the files as they were before they were read.
    init(taken: FileStamp) {
        self.taken = taken
        seen = taken
    }

    /// A file that is still being written counts once it has stayed the same since the last call.
    mutating func haveChanged(_ paths: [String]) -> Bool {
        let stamp = FileStamp(of: paths)
        defer { seen = stamp }
        return stamp != taken && stamp == seen
    }

    /// Call it before they are read.
    mutating func take(_ paths: [String]) { taken = FileStamp(of: paths) }
}
