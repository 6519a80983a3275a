/// Durations as operators write them: `500ms`, `120s`, `2m`, `1h`, `7d`, or `hh:mm:ss`.
enum DurationSetting {
    /// Nil for anything else, negative ones and those beyond 366 days included.
    static func parse(_ text: String) -> Duration? {
        let duration = text.contains(":") ? clock(text) : unit(text)
        guard let duration, duration <= .seconds(366 * 86_400) else { return nil }
        return duration
    }

    private static func unit(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number <= 1_000_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        default: return nil
        }
    }

    private static func clock(_ text: String) -> Duration? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ (1...4).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), let seconds = Int64(parts[2]), minutes < 60, seconds < 60
        else { return nil }
        return .seconds(hours * 3600 + minutes * 60 + seconds)
    }
}
