import StrictJSON

/// A command and its arguments as one setting.
enum CommandLineText {
    /// Words separated by spaces, or a JSON array of strings; nil where it is neither, or empty. There is no quoting
    /// and no expansion.
    static func arguments(_ text: String) -> [String]? {
        guard text.first == "[" else {
            let words = text.split(separator: " ").map { String($0) }
            return words.isEmpty ? nil : words
        }
        guard let elements = (try? JSONReader.read(Array(text.utf8)))?.arrayValue, !elements.isEmpty else { return nil }
        let strings = elements.compactMap(\.stringValue)
        return strings.count == elements.count && strings.allSatisfy { !$0.utf8.contains(0) } ? strings : nil
    }
}
