// The kinds of values that several settings have.

extension Setting where Value == String {
    /// Any text.
    public static func text(
        _ name: String, _ presence: SettingDeclaration.Presence = .optional, shownDefault: String? = nil,
        handling: SettingDeclaration.Handling = .plain, isReloadable: Bool = false, isDocument: Bool = false,
        _ meaning: String
    ) -> Setting {
        Setting(
            name, presence, shownDefault: shownDefault ?? (presence == .required ? "required" : "none"),
            handling: handling,
            isReloadable: isReloadable, isDocument: isDocument, meaning
        ) { (text) throws(InvalidValue) in text }
    }

    /// Letters and digits of ASCII, `-`, `.` and `_`.
    public static func plainName(_ name: String, length: ClosedRange<Int>, _ meaning: String) -> Setting {
        Setting(name, .required, shownDefault: "required", meaning) { (text) throws(InvalidValue) in
            guard isPlainName(text, length: length) else {
                throw InvalidValue("not \(length.lowerBound) to \(length.upperBound) of letters, digits, - . _")
            }
            return text
        }
    }

    /// Whether it is letters and digits of ASCII, `-`, `.` and `_` alone.
    public static func isPlainName(_ text: some StringProtocol, length: ClosedRange<Int>) -> Bool {
        length.contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (0x30...0x39).contains(byte)
                    || [0x2d, 0x2e, 0x5f].contains(byte)
            }
    }
}

extension Setting where Value == [String] {
    /// One text or several, separated by commas.
    public static func list(
        _ name: String, _ presence: SettingDeclaration.Presence = .optional, shownDefault: String,
        isReloadable: Bool = false, _ meaning: String
    ) -> Setting {
        Setting(name, presence, shownDefault: shownDefault, isReloadable: isReloadable, meaning) {
            (text) throws(InvalidValue) in
            let items = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0.trimmed) }
            guard items.allSatisfy({ !$0.isEmpty }) else { throw InvalidValue("an empty item between commas") }
            return items
        }
    }
}

extension Setting where Value == Duration {
    public static func duration(
        _ name: String, _ range: ClosedRange<Duration>, default fallback: Duration, isReloadable: Bool = false,
        _ meaning: String
    ) -> Setting {
        let allowed = "\(DurationText.text(range.lowerBound)) to \(DurationText.text(range.upperBound))"
        return Setting(
            name, default: fallback, shownDefault: DurationText.text(fallback), allowed: allowed,
            isReloadable: isReloadable, meaning
        ) { (text) throws(InvalidValue) in
            guard let duration = DurationText.parse(text) else {
                throw InvalidValue("not a duration such as 120s, 2m, 500ms or 00:02:00")
            }
            guard range.contains(duration) else { throw InvalidValue("not from \(allowed)") }
            return duration
        }
    }
}

extension Setting where Value == Int {
    /// - Parameter shownDefault: where the default depends on the machine.
    public static func number(
        _ name: String, _ range: ClosedRange<Int>, default fallback: Int, shownDefault: String? = nil, _ meaning: String
    ) -> Setting {
        let allowed = "\(range.lowerBound) to \(range.upperBound)"
        return Setting(
            name, default: fallback, shownDefault: shownDefault ?? "\(fallback)", allowed: allowed, meaning
        ) { (text) throws(InvalidValue) in
            guard let number = Int(text), range.contains(number) else {
                throw InvalidValue("not a number from \(allowed)")
            }
            return number
        }
    }
}

extension Setting where Value == Double {
    public static func share(_ name: String, default fallback: Double, _ meaning: String) -> Setting {
        Setting(name, default: fallback, shownDefault: "\(fallback)", allowed: "0 to 1", meaning) {
            (text) throws(InvalidValue) in
            guard let number = Double(text), (0...1).contains(number) else {
                throw InvalidValue("not a number from 0 to 1")
            }
            return number
        }
    }
}

extension Setting where Value: RawRepresentable<String> {
    /// One word of several.
    public static func choice(
        _ name: String, of cases: [Value], default fallback: Value, isReloadable: Bool = false, _ meaning: String
    ) -> Setting {
        let allowed = cases.map(\.rawValue).joined(separator: ", ")
        return Setting(
            name, default: fallback, shownDefault: fallback.rawValue, allowed: allowed, isReloadable: isReloadable,
            meaning
        ) { (text) throws(InvalidValue) in
            guard let value = cases.first(where: { $0.rawValue == text }) else {
                throw InvalidValue("not one of \(allowed)")
            }
            return value
        }
    }
}
