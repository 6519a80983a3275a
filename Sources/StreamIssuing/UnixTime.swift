/// A moment as whole seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX.1-2017 §4.16).
///
/// Range: any `Int64`; the formats below hold for the years 0000 to 9999 and stop at the ends of that range.
public struct UnixTime: Sendable, Hashable, Comparable {
    public let seconds: Int64

    public init(seconds: Int64) {
        self.seconds = seconds
    }

    /// For what does not end.
    public static let distantFuture = UnixTime(seconds: .max)

    public static func < (left: UnixTime, right: UnixTime) -> Bool { left.seconds < right.seconds }

    /// This moment moved by the whole seconds of `duration`; stops at the ends of the range instead of overflowing.
    public func adding(_ duration: Duration) -> UnixTime {
        let (sum, overflow) = seconds.addingReportingOverflow(duration.components.seconds)
        return UnixTime(seconds: overflow ? (seconds < 0 ? .min : .max) : sum)
    }

    /// From this moment to `other`, negative where it lies before; stops at the ends of the range instead of overflowing.
    public func duration(to other: UnixTime) -> Duration {
        let (difference, overflow) = other.seconds.subtractingReportingOverflow(seconds)
        return .seconds(overflow ? (seconds < 0 ? .max : .min) : difference)
    }

    /// RFC 3339 §5.6, UTC, whole seconds: `2026-01-08T12:32:00Z`.
    public var rfc3339: String {
        let time = CivilTime(self)
        var text = Digits(capacity: 20)
        text.append(time.year, 4)
        text.append("-")
        text.append(time.month, 2)
        text.append("-")
        text.append(time.day, 2)
        text.append("T")
        text.append(time.hour, 2)
        text.append(":")
        text.append(time.minute, 2)
        text.append(":")
        text.append(time.second, 2)
        text.append("Z")
        return text.string
    }

    /// ISO 8601 basic format, UTC, as AWS writes it: `20260108T123200Z`.
    public var iso8601Basic: String {
        let time = CivilTime(self)
        var text = Digits(capacity: 16)
        text.append(time.year, 4)
        text.append(time.month, 2)
        text.append(time.day, 2)
        text.append("T")
        text.append(time.hour, 2)
        text.append(time.minute, 2)
        text.append(time.second, 2)
        text.append("Z")
        return text.string
    }
}

/// A clock on the wall: what the date is. A parameter wherever a decision depends on time.
public protocol WallClock: Sendable {
    var now: UnixTime { get }
}

/// The proleptic Gregorian date and UTC time of day of a `UnixTime`.
private struct CivilTime {
    let year, month, day, hour, minute, second: Int

    /// Counts in eras of 400 years whose first day is 1 March, so that the leap day is the last of its year.
    init(_ time: UnixTime) {
        let clamped = min(max(time.seconds, -62_167_219_200), 253_402_300_799)  // 0000-01-01T00:00:00Z … 9999-12-31T23:59:59Z
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
}

/// Numbers of fixed width, put together without a String for each: a date is in every answer.
private struct Digits {
    private var bytes: [UInt8] = []

    init(capacity: Int) { bytes.reserveCapacity(capacity) }

    var string: String { String(decoding: bytes, as: UTF8.self) }

    mutating func append(_ character: Unicode.Scalar) {
        bytes.append(UInt8(ascii: character))
    }

    /// With leading zeros up to `width` digits.
    mutating func append(_ number: Int, _ width: Int) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
