/// `/tracks/{trackId}/stream`.
enum StreamPath {
    private static let prefix = "/tracks/"
    private static let suffix = "/stream"

    /// `{trackId}`, valid or not; nil for any other path.
    static func trackText(_ path: String?) -> Substring? {
        guard let path, path.utf8.count > prefix.utf8.count + suffix.utf8.count, path.utf8.starts(with: prefix.utf8),
            path.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else { return nil }
        let text = path.utf8.dropFirst(prefix.utf8.count).dropLast(suffix.utf8.count)
        return text.contains(UInt8(ascii: "/")) ? nil : Substring(text)
    }
}
