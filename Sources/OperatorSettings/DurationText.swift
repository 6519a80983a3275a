/// Durations as operators write them: `500ms`, `120s`, `2m`, `1h`, `7d`, or `hh:mm:ss`.
public enum DurationText {
    /// Nil for anything else, negative ones and those beyond 366 days included.
    public static func parse(_ text: String) -> Duration? {
        let duration = text.contains(":") ? clock(text) : unit(text)
        guard let duration, duration <= .seconds(366 * 86_400) else { return nil }
        return duration
    }

    /// In the largest unit up to minutes that gives a whole number: `500ms`, `120s`, `5m`; days where it is whole days.
    public static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        if attoseconds != 0 { return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000)ms" }
        if seconds != 0, seconds.isMultiple(of: 86_400) { return "\(seconds / 86_400)d" }
        if seconds > 120, seconds.isMultiple(of: 60) { return "\(seconds / 60)m" }
        return "\(seconds)s"
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
        guard parts.count == 3,
            parts.allSatisfy({ (1...4).contains($0.count) && $0.allSatisfy { $0.isASCII && $0.isNumber } }),
            let hours = Int64(parts[0]), let minutes = Int64(parts[1]), let seconds = Int64(parts[2]), minutes < 60,
            seconds < 60
        else { return nil }
        return .seconds(hours * 3600 + minutes * 60 + seconds)
    }
}
