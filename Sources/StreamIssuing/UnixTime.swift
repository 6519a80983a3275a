/// A moment as whole seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX.1-2017 §4.16).
///
/// Range: any `Int64`; the formats below hold for the years 0000 to 9999 and stop at the ends of that range.
public struct UnixTime: Sendable, Hashable, Comparable {
    public let seconds: Int64

    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// For a time without end.
    public static let distantFuture = UnixTime(seconds: .max)

    public static func < (left: UnixTime, right: UnixTime) -> Bool { left.seconds < right.seconds }

    /// This moment moved by the whole seconds of `duration`; stops at the ends of the range instead of overflowing.
    public func adding(_ duration: Duration) -> UnixTime {
        let (sum, overflow) = seconds.addingReportingOverflow(duration.components.seconds)
        return UnixTime(seconds: overflow ? (seconds < 0 ? .min : .max) : sum)
    }

    /// From this moment to `other`, negative where it is earlier; stops at the ends of the range instead of
    /// overflowing.
    public func duration(to other: UnixTime) -> Duration {
        let (difference, overflow) = other.seconds.subtractingReportingOverflow(seconds)
        return .seconds(overflow ? (seconds < 0 ? .max : .min) : difference)
    }

    /// RFC 3339 §5.6, UTC, whole seconds: `2026-01-08T12:32:00Z`.
    public var rfc3339: String {
        let bytes = rfc3339Bytes
        return unsafe bytes.span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// The same in ASCII.
    public var rfc3339Bytes: [20 of UInt8] {
        let time = CivilTime(self)
        var text = DateText()
        text.append(time.year, 4)
        text.append(UInt8(ascii: "-"))
        text.append(time.month, 2)
        text.append(UInt8(ascii: "-"))
        text.append(time.day, 2)
        text.append(UInt8(ascii: "T"))
        text.append(time.hour, 2)
        text.append(UInt8(ascii: ":"))
        text.append(time.minute, 2)
        text.append(UInt8(ascii: ":"))
        text.append(time.second, 2)
        text.append(UInt8(ascii: "Z"))
        return text.bytes
    }

    /// ISO 8601 basic format, UTC, as AWS writes it: `20260108T123200Z`.
    public var iso8601Basic: String {
        let time = CivilTime(self)
        var text = DateText()
        text.append(time.year, 4)
        text.append(time.month, 2)
        text.append(time.day, 2)
        text.append(UInt8(ascii: "T"))
        text.append(time.hour, 2)
        text.append(time.minute, 2)
        text.append(time.second, 2)
        text.append(UInt8(ascii: "Z"))
        let span = text.bytes.span.extracting(0..<text.count)
        return unsafe span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}

extension UnixTime {
    /// Reads RFC 3339 §5.6 for the years 1 to 9999: `2026-01-08T12:32:00Z`, also with a fraction, which is dropped, and
    /// with an offset. Nil for anything else, a date that does not exist included; a leap second counts as the second
    /// after it.
    public init?(rfc3339 text: String) {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count, bytes[range].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else {
                return nil
            }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        func has(_ characters: String, at index: Int) -> Bool {
            index < bytes.count && characters.utf8.contains(bytes[index])
        }
        guard has("-", at: 4), has("-", at: 7), has("Tt ", at: 10), has(":", at: 13), has(":", at: 16),
            let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
            let minute = number(14..<16), let second = number(17..<19), (1...9999).contains(year),
            (1...12).contains(month),
            (1...CivilTime.days(in: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var end = 19
        if has(".", at: end) {
            end += 1
            let digits = bytes[end...].prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            guard digits > 0 else { return nil }
            end += digits
        }
        var offset = 0
        if has("Zz", at: end) {
            end += 1
        } else {
            guard has("+-", at: end), has(":", at: end + 3), let hours = number(end + 1..<end + 3),
                let minutes = number(end + 4..<end + 6),
                hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (has("-", at: end) ? -1 : 1)
            end += 6
        }
        guard end == bytes.count else { return nil }
        self.init(
            seconds: Int64(CivilTime.days(to: year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset))
    }
}

/// A wall clock: what the date is. It is a parameter wherever a decision depends on time.
public protocol WallClock: Sendable {
    var now: UnixTime { get }
}

/// The proleptic Gregorian date and UTC time of day of a `UnixTime`.
private struct CivilTime {
    let year, month, day, hour, minute, second: Int

    /// Counts in eras of 400 years whose first day is 1 March, so that the leap day is the last of its year.
    init(_ time: UnixTime) {
        // 0000-01-01T00:00:00Z … 9999-12-31T23:59:59Z
        let clamped = min(max(time.seconds, -62_167_219_200), 253_402_300_799)
        let days = Int((clamped >= 0 ? clamped : clamped - 86_399) / 86_400)
        let secondOfDay = Int(clamped) - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        hour = secondOfDay / 3600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    static func days(in month: Int, of year: Int) -> Int {
        if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
        return [4, 6, 9, 11].contains(month) ? 30 : 31
    }

    /// From 1970-01-01; the same eras, whose first day is 1 March.
    static func days(to year: Int, _ month: Int, _ day: Int) -> Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = marchYear / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

/// A date's characters, put together without an allocation.
private struct DateText {
    private(set) var bytes: [20 of UInt8] = InlineArray(repeating: 0)
    private(set) var count = 0

    mutating func append(_ character: UInt8) {
        bytes[count] = character
        count += 1
    }

    /// In decimal, with leading zeros up to `width` digits.
    mutating func append(_ number: Int, _ width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
