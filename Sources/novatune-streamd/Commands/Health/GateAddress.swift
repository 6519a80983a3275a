import FastCGI
import OperatorSettings
import StreamResponder

/// Where a responder's gate is, for another process.
enum GateAddress {
    /// Nil where it is no address, and for a descriptor, which only the responder has.
    static func parse(_ text: String) -> SocketAddress? {
        guard let address = SocketAddress(text) else { return nil }
        if case .inherited = address { return nil }
        return address
    }

    /// Of the setting alone: the others may be for the responder's account only.
    static func read(_ source: SettingsSource) throws(SettingsError) -> SocketAddress {
        let setting = ResponderSetting.gateListen
        var reader = try SettingsReader(source, about: [setting.declaration])
        guard let text = source.text(setting) else { return .unix(path: "/run/novatune/gate.sock") }
        if let address = parse(text) { return address }
        if reader.value(setting) != nil {
            reader.report(setting, "\(setting.name): a descriptor is the responder's alone; name its socket by --gate")
        }
        throw SettingsError(issues: reader.issues)
    }
}
