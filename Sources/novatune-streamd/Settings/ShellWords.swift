/// A command line as words, by a shell's quoting alone: as AWS's tools split `credential_process` (Python's
/// `shlex.split`). Nothing is expanded.
enum ShellWords {
    /// Nil where a quotation or an escape has no end.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var quote: Character?
        var rest = Substring(text)
        while let character = rest.popFirst() {
            switch (character, quote) {
            case ("\\", nil), ("\\", "\""):
                guard let next = rest.popFirst() else { return nil }
                // Within quotes it escapes only these two.
                let isKept = quote != nil && next != "\"" && next != "\\"
                word = (word ?? "") + (isKept ? "\\" : "") + String(next)
            case (let end, let begin?) where end == begin: quote = nil
            case ("'", nil), ("\"", nil): (quote, word) = (character, word ?? "")
            case (let space, nil) where space == " " || space == "\t":
                if let word { words.append(word) }
                word = nil
            default: word = (word ?? "") + String(character)
            }
        }
        guard quote == nil else { return nil }
        return words + (word.map { [$0] } ?? [])
    }
}
