import ArgumentParser
import BearerTokens
import Cryptography
import KeyManagement
import Logging
import SealedCache

/// Tries everything that serving needs, and reports the results.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Validate every setting and contact every dependency.",
        discussion: """
            Prints one line for each setting and each dependency: 'ok', or what is wrong and what to do. Secrets are shown as 'set'. A cache that does not answer and \
            invalidations that cannot be heard are warnings, because requests go on without them. So is what is \
            valid and unwise: secrets that others may read, long-lived URLs, a public endpoint without TLS.

            EXIT CODES: 0 all is well; 1 a dependency does not answer; 69 the key ring's service does not answer; 78 settings are not valid.
            """
    )

    @OptionGroup var options: SettingsOptions

    func run() throws {
        let loaded = try checkSettings()
        let settings = loaded.settings
        let (keySet, keyRing) = (loaded.secrets.keySet, loaded.secrets.keyRing)
        line("token keys", "ok", keySet.keys.map(\.description).joined(separator: ", "))
        line(
            "cache keys", "ok",
            "current \(keyRing.current), versions \(keyRing.versions.joined(separator: ", ")), from \(settings.keyRingSource.name)")
        for warning in ConfigurationWarnings.warnings(settings, options.source) { line(warning.subject, "warning", warning.advice) }

        let silent = Logger(label: "check") { _ in SwiftLogNoOpLogHandler() }
        var probe = DependencyProbe(Resources(settings, loaded.secrets, telemetry: Telemetry(silent)))
        let outcomes = [
            ("database", probe.database()), ("object store", probe.objects()), ("cache", probe.cache()),
            ("invalidations", probe.invalidations()),
        ]
        for (name, outcome) in outcomes {
            let milliseconds = Double(outcome.elapsed.components.seconds) * 1000 + Double(outcome.elapsed.components.attoseconds) / 1e15
            let time = "\((milliseconds * 10).rounded() / 10) ms"
            guard let failure = outcome.failure else {
                line(name, "ok", time)
                continue
            }
            line(name, outcome.isOptional ? "warning" : "failed", failure)
        }
        if outcomes.contains(where: { $0.1.failure != nil && !$0.1.isOptional }) { throw ExitCode(1) }
    }

    private func shown(_ name: SettingName, _ source: SettingsSource) -> String? {
        if name.isSecret { return source.values[name] != nil || source.files[name] != nil ? "set" : nil }
        return source.values[name]
    }

    private func checkSettings() throws -> LoadedSettings {
        let source = options.source
        var settings: LoadedSettings?
        var complaints: [String] = []
        var failure = SettingsOptions.invalidSettings
        do {
            settings = try SettingsOptions.read(source)
        } catch {
            complaints = error.complaints
            if error.isTemporary { failure = SettingsOptions.unavailable }
        }
        for name in SettingName.allCases {
            let own = complaints.filter { name.isSubject(of: $0) }
            complaints.removeAll { name.isSubject(of: $0) }
            for complaint in own { line(name.rawValue, "failed", complaint) }
            guard own.isEmpty else { continue }
            let value = shown(name, source)
            line(name.rawValue, "ok", value ?? "default: \(name.defaultHelp)")
        }
        for complaint in complaints { line("settings", "failed", complaint) }
        guard let settings else { throw failure }
        return settings
    }

    private func line(_ name: String, _ verdict: String, _ detail: String) {
        func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
        Console.print("\(padded(name, 31))\(padded(verdict, 9))\(detail)")
    }
}
