import Glibc

/// Small files, read whole.
enum File {
    struct ReadError: Error, CustomStringConvertible {
        let description: String
    }

    /// No setting is larger.
    private static let limit = 1 << 20

    static func read(_ path: String) -> Result<[UInt8], ReadError> {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return .failure(error(path)) }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return .failure(error(path)) }
            if count == 0 { return .success(bytes) }
            bytes.append(contentsOf: chunk[..<count])
            guard bytes.count <= limit else { return .failure(ReadError(description: "\(path) is larger than 1 MiB")) }
        }
    }

    private static func error(_ path: String) -> ReadError {
        ReadError(description: "cannot read \(path): \(unsafe String(cString: strerror(errno)))")
    }
}
