import StreamIssuing

enum ObjectKey {
    /// S3: "Object key names", 1,024 bytes.
    private static let maximumLength = 1024

    /// Keys that a URL parser would change (WHATWG URL, "path state": `.` and `..` segments) would lead to another
    /// object.
    static func check(_ key: SecretText) throws(Unavailable) {
        let segments = key.exposeSecret().utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isCollapsible = segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
        guard (1...maximumLength).contains(key.exposeSecret().utf8.count), !isCollapsible else {
            throw Unavailable(
                .objectStore, code: "illegal_key", reason: "the track's object key cannot be put into a URL safely")
        }
    }
}
