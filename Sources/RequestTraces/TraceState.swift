/// Other vendors' data about a trace: the contents of the header `tracestate` (W3C Trace Context level 1 §3.3). It is
/// kept on the spans and never logged.
public struct TraceState: Sendable, Hashable, CustomStringConvertible {
    /// Its members, separated by commas: not empty, at most `maximumLength`.
    public let description: String

    /// In characters: what a vendor should be able to keep (§3.3.1.5).
    static let maximumLength = 512
    /// Longer members are left out first where that is exceeded, in characters.
    private static let longMember = 128
    private static let maximumMembers = 32

    /// Nil for text that is not a list of members, has more than 32 or a key twice, or is empty: a state that cannot be
    /// read is discarded as a whole (§4.3).
    public init?(_ text: String) {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for part in text.split(separator: ",") {
            let member = Self.trimmed(part)
            // A comma may be followed by nothing.
            if member.isEmpty { continue }
            guard members.count < Self.maximumMembers, let key = Self.key(of: member), keys.insert(key).inserted else {
                return nil
            }
            members.append(member)
        }
        let kept = Self.shortened(members)
        guard !kept.isEmpty else { return nil }
        description = kept.joined(separator: ",")
    }

    /// Leaves out members, as §3.3.1.5 says: those of more than 128 characters first, then those at the end.
    private static func shortened(_ members: [Substring]) -> [Substring] {
        var kept = members
        func length() -> Int { kept.reduce(kept.count - 1) { $0 + $1.utf8.count } }
        while length() > maximumLength, let long = kept.lastIndex(where: { $0.utf8.count > longMember }) {
            kept.remove(at: long)
        }
        while length() > maximumLength { kept.removeLast() }
        return kept
    }

    /// The key of `key=value`; nil where either is not as §3.3.1.3 says.
    private static func key(of member: Substring) -> Substring? {
        guard let equals = member.firstIndex(of: "=") else { return nil }
        let (key, value) = (member[..<equals], member[member.index(after: equals)...])
        return isKey(key) && isValue(value) ? key : nil
    }

    /// A vendor's name, or `tenant@vendor`.
    private static func isKey(_ key: Substring) -> Bool {
        let parts = key.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ $0.utf8.dropFirst().allSatisfy(isKeyCharacter) }), let first = parts[0].utf8.first
        else {
            return false
        }
        guard parts.count == 2 else { return isLetter(first) && key.utf8.count <= 256 }
        guard let vendor = parts[1].utf8.first else { return false }
        return (isLetter(first) || isDigit(first)) && isLetter(vendor) && parts[0].utf8.count <= 241
            && parts[1].utf8.count <= 14
    }

    /// 1 to 256 printable characters without comma and equals sign; spaces at its end have been taken away.
    private static func isValue(_ value: Substring) -> Bool {
        (1...256).contains(value.utf8.count)
            && value.utf8.allSatisfy {
                (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ",") && $0 != UInt8(ascii: "=")
            }
    }

    private static func isKeyCharacter(_ byte: UInt8) -> Bool {
        isLetter(byte) || isDigit(byte)
            || [UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "*"), UInt8(ascii: "/")].contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    /// Without spaces and tabs around it.
    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text = text.dropFirst() }
        while let last = text.last, last == " " || last == "\t" { text = text.dropLast() }
        return text
    }
}
