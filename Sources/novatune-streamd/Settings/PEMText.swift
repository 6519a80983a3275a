/// The text of a PEM file (RFC 7468), as far as it shows that another file was meant.
enum PEMText {
    /// - Parameter label: of the block that is needed: `CERTIFICATE`, `PRIVATE KEY`.
    /// - Returns: what is wrong, to follow the file's name; nil where the block is there.
    static func issue(_ bytes: [UInt8], _ label: String) -> String? {
        let labels = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).compactMap(beginLabel)
        if labels.contains(where: { $0 == label || ($0.hasSuffix(" \(label)") && $0 != "ENCRYPTED \(label)") }) {
            return nil
        }
        if labels.contains("ENCRYPTED \(label)") { return "has an encrypted key; decrypt it (openssl pkey)" }
        return "has no line -----BEGIN \(label)-----"
    }

    private static func beginLabel(_ line: Substring) -> String? {
        let (start, end) = ("-----BEGIN ", "-----")
        guard line.hasPrefix(start), line.hasSuffix(end), line.utf8.count > start.utf8.count + end.utf8.count else {
            return nil
        }
        return String(line.dropFirst(start.utf8.count).dropLast(end.utf8.count))
    }
}
