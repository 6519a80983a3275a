/// The text of a setting as the operator means it, without what tools add around it.
public enum SettingText {
    /// Without a byte order mark at the start and line breaks at the end, which editors, `echo` and secrets of
    /// Kubernetes add.
    /// - Parameters:
    ///   - isDocument: whether line breaks and tabs may stand inside, as in JSON.
    ///   - quotesAreMeant: whether a pair of quotes around the text is a part of it, because its source has taken its
    ///     own quotes away.
    /// - Throws: where a character cannot be meant. The reason does not quote the text.
    public static func cleaned(
        _ text: String, isDocument: Bool = false, quotesAreMeant: Bool = false
    ) throws(InvalidValue) -> String {
        var scalars = Substring(text).unicodeScalars
        if scalars.first == byteOrderMark { scalars.removeFirst() }
        while let last = scalars.last, isLineBreak(last) { scalars.removeLast() }
        for scalar in scalars where !(isDocument && (isLineBreak(scalar) || scalar == "\t")) {
            if let reason = reasonAgainst(scalar) { throw InvalidValue(reason) }
        }
        if !quotesAreMeant, scalars.count >= 2, let quote = scalars.first, quote == "\"" || quote == "'",
            scalars.last == quote
        {
            throw InvalidValue(
                "stands in quotes, which only the --config file takes away; write it without them, or there")
        }
        return String(scalars)
    }

    private static let byteOrderMark: Unicode.Scalar = "\u{FEFF}"

    private static func isLineBreak(_ scalar: Unicode.Scalar) -> Bool { scalar == "\n" || scalar == "\r" }

    private static func reasonAgainst(_ scalar: Unicode.Scalar) -> String? {
        if isLineBreak(scalar) { return "has a line break inside; write it in one line" }
        // What reads text puts it in the place of bytes that it does not understand.
        if scalar == "\u{FFFD}" { return "is not UTF-8" }
        guard scalar.properties.generalCategory == .control || scalar == byteOrderMark else { return nil }
        let number = String(scalar.value, radix: 16, uppercase: true)
        let code = String(repeating: "0", count: max(0, 4 - number.count)) + number
        return "has the control character U+\(code) inside; remove it"
    }
}
