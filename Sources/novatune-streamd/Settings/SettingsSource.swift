import Cryptography
import KeyManagement
import OperatorSettings
import RequestTraces
import S3ObjectStore
import SealedCache

/// Raw settings from the environment and a file, and everything that is wrong with them so far. They include secrets,
/// so the description shows no values.
struct SettingsSource: CustomStringConvertible, CustomReflectable {
    /// By the names of their settings.
    private var values: [String: String] = [:]
    private var files: [String: String] = [:]
    /// Settings whose text was refused.
    private var refused: Set<String> = []
    /// The file given by `--config`.
    let configPath: String?
    /// Why that file cannot be read. Then nothing else is worth a line.
    let unreadableConfig: SettingIssue?
    private(set) var issues: [SettingIssue] = []
    /// nginx's allow-list of players on other sites (NOVATUNE_NGINX_CORS_ORIGINS), where it stands beside these settings.
    private(set) var playerOrigins: [String] = []
    /// `AWS_…` of the environment, for services that give credentials.
    let awsVariables: [String: String]
    /// Systemd's StateDirectory (systemd.exec(5)), the first of several.
    let systemdStateDirectory: String?
    /// `OTEL_…` of the environment.
    private let openTelemetryVariables: [String: String]

    /// - Parameters:
    ///   - environment: wins over the file where it is not empty.
    ///   - configPath: of a `ConfigFile`.
    init(environment: [String: String], configPath: String?) {
        self.configPath = configPath
        awsVariables = environment.filter { $0.key.hasPrefix("AWS_") }
        systemdStateDirectory = environment["STATE_DIRECTORY"]?.split(separator: ":").first.map { String($0) }
        openTelemetryVariables = environment.filter { $0.key.hasPrefix("OTEL_") }
        let file = configPath.map { ConfigFile(reading: $0) }
        unreadableConfig = file?.unreadable
        issues = file?.issues ?? []
        var values = file?.values ?? [:]
        for name in Self.replacedCredentials(environment) { (values[name], values[name + "_FILE"]) = (nil, nil) }
        take(merged(environment.filter { $0.key.hasPrefix("NOVATUNE_") }, values))
    }

    /// A name and its _FILE form are one setting: the environment's form replaces either of the file's.
    private mutating func merged(_ environment: [String: String], _ file: [String: String]) -> [String: String] {
        let own = cleaned(environment, quotesAreMeant: false)
        var others = file
        for name in environment.keys where own[name] != "" {
            others[name] = nil
            others[name.hasSuffix("_FILE") ? String(name.dropLast(5)) : name + "_FILE"] = nil
        }
        return own.merging(cleaned(others, quotesAreMeant: true)) { environment, file in
            environment.isEmpty ? file : environment
        }
    }

    /// Leaves out what is refused.
    private mutating func cleaned(_ texts: [String: String], quotesAreMeant: Bool) -> [String: String] {
        var cleaned: [String: String] = [:]
        for (name, text) in texts.sorted(by: { $0.key < $1.key }) {
            guard let setting = Self.declarations[name] else {
                cleaned[name] = text
                continue
            }
            do {
                cleaned[name] = try SettingText.cleaned(
                    text, isDocument: setting.isDocument && name == setting.name, quotesAreMeant: quotesAreMeant)
            } catch {
                refused.insert(setting.name)
                issues.append(SettingIssue(setting, sentence: "\(name): \(error)"))
            }
        }
        return cleaned
    }

    /// By either form of their names.
    private static let declarations = AllSettings.declarations.reduce(into: [String: SettingDeclaration]()) {
        $0[$1.name] = $1
        if let fileName = $1.fileName { $0[fileName] = $1 }
    }

    var description: String { "<redacted>" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// The text of a setting, also where a file held it; nil where it has none.
    func text<Value>(_ setting: Setting<Value>) -> String? { values[setting.name] }

    /// The file that a setting's `_FILE` form names.
    func file<Value>(_ setting: Setting<Value>) -> String? { files[setting.name] }

    /// Also where it was refused.
    func hasValue(_ setting: SettingDeclaration) -> Bool {
        values[setting.name] != nil || files[setting.name] != nil || refused.contains(setting.name)
    }

    /// What other services' variables say about traces, where no setting does.
    var traceVariables: OpenTelemetryVariables {
        OpenTelemetryVariables(
            openTelemetryVariables, hasEndpoint: hasValue(TraceSetting.endpoint.declaration),
            hasSampleRatio: hasValue(TraceSetting.sampleRatio.declaration))
    }

    /// The form of its name that the operator has set.
    func givenName<Value>(_ setting: Setting<Value>) -> String {
        setting.declaration.fileName.flatMap { files[setting.name] == nil ? nil : $0 } ?? setting.name
    }

    /// The setting that the store's credentials come from.
    var storeCredentialsName: String {
        if hasValue(S3Setting.credentialsOrigin.declaration) { return S3Setting.credentialsOrigin.name }
        let hasCommand = hasValue(S3Setting.credentialsCommand.declaration)
        return hasCommand ? S3Setting.credentialsCommand.name : givenName(S3Setting.credentials)
    }

    /// What `check` shows of a setting; nil where it has no value.
    func shownValue(_ setting: SettingDeclaration) -> String? {
        guard setting.isSecret else { return values[setting.name] }
        return hasValue(setting) ? "set" : nil
    }

    /// The `_FILE` forms that name a file, by name.
    var namedFiles: [(setting: String, path: String)] {
        files.sorted { $0.key < $1.key }.map { (setting: $0.key + "_FILE", path: $0.value) }
    }

    /// What is wrong with these settings, and with the file that they may stand in.
    func issues(about settings: [SettingDeclaration]) -> [SettingIssue] {
        issues.filter { issue in
            switch issue.subject {
            case .configFile: true
            case .setting(let name): settings.contains { $0.name == name }
            case .unknownName: false
            }
        }
    }

    /// The store's credentials are in three settings, in one document, or a command prints them: the environment's form
    /// replaces the file's others.
    private static func replacedCredentials(_ environment: [String: String]) -> [String] {
        let forms = [
            [S3Setting.accessKeyID, S3Setting.secretAccessKey, S3Setting.sessionToken], [S3Setting.credentials],
            [S3Setting.credentialsCommand],
        ].map { $0.map(\.name) }
        func isSet(_ name: String) -> Bool {
            [name, name + "_FILE"].contains { environment[$0].map { !$0.isEmpty } ?? false }
        }
        let others = forms.filter { !$0.contains(where: isSet) }
        return others.count < forms.count ? others.flatMap { $0 } : []
    }

    private mutating func take(_ merged: [String: String]) {
        playerOrigins = (merged["NOVATUNE_NGINX_CORS_ORIGINS"] ?? "").split(whereSeparator: \.isWhitespace).map(
            String.init)
        var known: Set<String> = []
        for setting in AllSettings.declarations {
            known.insert(setting.name)
            let direct = merged[setting.name].flatMap { $0.isEmpty ? nil : $0 }
            guard let fileName = setting.fileName else {
                values[setting.name] = direct
                continue
            }
            known.insert(fileName)
            let path = merged[fileName].flatMap { $0.isEmpty ? nil : $0 }
            if direct != nil, path != nil {
                issues.append(SettingIssue(setting, sentence: "\(setting.name) and \(fileName) are both set; keep one"))
            }
            files[setting.name] = path
            values[setting.name] =
                direct ?? path.flatMap { setting.handling == .secretReadByConsumer ? nil : readSecret(setting, $0) }
        }
        for name in merged.keys.sorted() where !known.contains(name) {
            if AllSettings.foreignPrefixes.contains(where: name.hasPrefix) { continue }
            if let advice = AllSettings.removed[name] {
                issues.append(SettingIssue(.unknownName, "\(name): \(advice)"))
                continue
            }
            let shown = ConfigFile.name(name[...]) ?? "NOVATUNE_…"
            issues.append(SettingIssue(.unknownName, "\(shown): no such setting; see 'novatune-streamd settings'"))
        }
    }

    private mutating func readSecret(_ setting: SettingDeclaration, _ path: String) -> String? {
        func issue(_ reason: String) -> SettingIssue {
            SettingIssue(setting, sentence: "\(setting.name)_FILE: \(reason)")
        }
        do {
            var bytes = try SecretFile.read(path)
            defer { bytes.wipe() }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                issues.append(issue("\(SecretFile.shown(path)) is not UTF-8"))
                return nil
            }
            do {
                let cleaned = try SettingText.cleaned(text, isDocument: setting.isDocument)
                guard cleaned.isEmpty else { return cleaned }
                issues.append(issue("\(SecretFile.shown(path)) is empty"))
            } catch {
                issues.append(issue("\(SecretFile.shown(path)) \(error)"))
            }
            return nil
        } catch {
            issues.append(issue("\(error)"))
            return nil
        }
    }

    /// Files and directories that settings are read from.
    var watchedPaths: [String] {
        let named = [
            KeySetting.directory, CacheSetting.certificateAuthorities, CacheSetting.clientCertificate,
            CacheSetting.clientKey,
        ]
        return (configPath.map { [$0] } ?? []) + files.values.sorted() + named.compactMap { text($0) }
    }
}
