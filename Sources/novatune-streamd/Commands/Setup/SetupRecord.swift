/// What setup has made, in a file beside the settings: a later run goes on from it, and `--remove` takes no more away.
struct SetupRecord: Equatable {
    private enum Key: String {
        case settings = "SETTINGS"
        case madeSettingsFile = "MADE_SETTINGS_FILE"
        case madeNginxSettings = "MADE_NGINX_SETTINGS"
        case madeKeyRing = "MADE_KEY_RING"
        case nginxFiles = "NGINX_FILES"
        case removedDefaultSite = "REMOVED_DEFAULT_SITE"
        case enabledUnits = "ENABLED_UNITS"
    }

    private var values: [String: String]

    init(_ text: String = "") { values = SettingsFile(text).values }

    var text: String {
        let lines = values.filter { !$0.value.isEmpty }.map { "\($0.key)=\($0.value)" }.sorted()
        return "# Written by 'novatune-streamd setup': what it has made. 'setup --remove' reads it.\n"
            + lines.map { "\($0)\n" }.joined()
    }

    /// Names of settings that setup has written into the file of settings.
    var settings: [String] {
        get { list(.settings) }
        set { self[.settings] = newValue.joined(separator: " ") }
    }
    var madeSettingsFile: Bool {
        get { self[.madeSettingsFile] == "yes" }
        set { self[.madeSettingsFile] = newValue ? "yes" : "" }
    }
    var madeNginxSettings: Bool {
        get { self[.madeNginxSettings] == "yes" }
        set { self[.madeNginxSettings] = newValue ? "yes" : "" }
    }
    var madeKeyRing: Bool {
        get { self[.madeKeyRing] == "yes" }
        set { self[.madeKeyRing] = newValue ? "yes" : "" }
    }
    /// Relative to the directory of nginx.conf.
    var nginxFiles: [String] {
        get { list(.nginxFiles) }
        set { self[.nginxFiles] = newValue.joined(separator: " ") }
    }
    /// What the link of Debian's default site said; nil where setup has not removed it.
    var removedDefaultSite: String? {
        get { self[.removedDefaultSite].isEmpty ? nil : self[.removedDefaultSite] }
        set { self[.removedDefaultSite] = newValue ?? "" }
    }
    var enabledUnits: Bool {
        get { self[.enabledUnits] == "yes" }
        set { self[.enabledUnits] = newValue ? "yes" : "" }
    }

    private subscript(_ key: Key) -> String {
        get { values[key.rawValue] ?? "" }
        set { values[key.rawValue] = newValue.isEmpty ? nil : newValue }
    }

    private func list(_ key: Key) -> [String] { self[key].split(separator: " ").map { String($0) } }
}
