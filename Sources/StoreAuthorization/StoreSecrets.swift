/// Overwrites the secrets in a store's question before anything reads it.
enum StoreSecrets {
    /// Members whose text is a secret: RGW sends the user's keys, and those of temporary URLs.
    private static let names = ["secret_key", "val"].map { Array("\"\($0)\"".utf8) }

    /// Replaces each character of these members' texts by `x`, in place. A quote within a text is escaped, so a name that is
    /// in quotes and followed by a colon is a member's.
    static func overwrite(_ body: inout [UInt8]) {
        var position = 0
        while position < body.count {
            guard body[position] == quote, let name = names.first(where: { body[position...].starts(with: $0) }) else {
                position += 1
                continue
            }
            position = overwriteText(&body, after: position + name.count)
        }
    }

    private static let quote = UInt8(ascii: "\"")

    /// - Returns: where to go on.
    private static func overwriteText(_ body: inout [UInt8], after start: Int) -> Int {
        var position = start
        for expected in [UInt8(ascii: ":"), quote] {
            while position < body.count, [0x20, 0x09, 0x0a, 0x0d].contains(body[position]) { position += 1 }
            guard position < body.count, body[position] == expected else { return start }
            position += 1
        }
        while position < body.count, body[position] != quote {
            let isEscape = body[position] == UInt8(ascii: "\\")
            for _ in 0..<(isEscape ? 2 : 1) where position < body.count {
                body[position] = UInt8(ascii: "x")
                position += 1
            }
        }
        return position + 1
    }
}
