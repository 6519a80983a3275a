/// How long an answer is fresh.
enum MaximumAge {
    /// The directive `max-age` of `Cache-Control` (RFC 9111 §5.2.2.1); zero where the answer must not be kept.
    /// - Parameter age: the header `Age` (RFC 9111 §5.1): how long a cache in between has had the answer.
    /// - Returns: nil where the header does not say it.
    static func read(_ header: String, age: String? = nil) -> Duration? {
        let directives = header.lowercased().split(separator: ",").map { directive in
            directive.split(separator: "=", maxSplits: 1).map { part in
                String(part.filter { $0 != " " && $0 != "\t" && $0 != "\"" })
            }
        }
        if directives.contains(where: { ["no-cache", "no-store"].contains($0.first ?? "") }) { return .zero }
        guard let seconds = directives.first(where: { $0.first == "max-age" && $0.count == 2 })?[1],
            !seconds.isEmpty, seconds.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        // RFC 9111 §1.2.2: a number that is too large is taken as 2^31.
        return .seconds(max(0, number(seconds) - number(age ?? "")))
    }

    private static func number(_ text: String) -> Int64 {
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return 0 }
        return min(Int64(text) ?? 1 << 31, 1 << 31)
    }
}
