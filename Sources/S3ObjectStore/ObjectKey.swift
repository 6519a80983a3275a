import StreamIssuing

enum ObjectKey {
    /// S3: "Object key names", 1,024 bytes.
    private static let maximumLength = 1024

    /// Keys that a URL parser would change (WHATWG URL, "path state": `.` and `..` segments) would lead to another
    /// object.
    static func check(_ key: SecretText) throws(Unavailable) {
        let bytes = key.exposeSecret().utf8.span
        guard (1...maximumLength).contains(bytes.count), !isCollapsible(bytes) else {
            throw Unavailable(
                .objectStore, code: "illegal_key", reason: "the track's object key cannot be put into a URL safely")
        }
    }

    /// Whether a segment consists of one or two dots.
    private static func isCollapsible(_ path: Span<UInt8>) -> Bool {
        let dot = UInt8(ascii: ".")
        var start = 0
        for end in 0...path.count where end == path.count || path[end] == UInt8(ascii: "/") {
            if (1...2).contains(end - start), path[start] == dot, path[end - 1] == dot { return true }
            start = end + 1
        }
        return false
    }
}
