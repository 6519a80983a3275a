import OperatorSettings
import PostgreSQLTrackStore
import Resilience
import StreamIssuing

/// A connection string of the settings. Where a file holds it, each new connection reads the file: a password that has
/// just been changed needs no reload.
final class DatabaseAddress: ConnectionStringSource {
    private struct State {
        var text: SecretText
        var file: String?
    }

    private let state: Locked<State>

    init(_ text: SecretText, file: String?) { state = Locked(State(text: text, file: file)) }

    /// A file that cannot be read, or holds nothing valid, leaves the former string in use: a reload reports it.
    var current: SecretText {
        let former = state.withLock { $0 }
        guard let file = former.file, let text = Self.read(file) else { return former.text }
        state.withLock { if $0.file == file { $0.text = text } }
        return text
    }

    /// What a reload has read. Connections that are open stay.
    func replace(_ text: SecretText, file: String?) { state.withLock { $0 = State(text: text, file: file) } }

    /// By the rules of the settings; both addresses have the same.
    private static func read(_ file: String) -> SecretText? {
        let setting = DatabaseSetting.url
        let source = SettingsSource(environment: [setting.name + "_FILE": file], configPath: nil)
        return source.text(setting).flatMap { try? setting.value($0) }
    }
}

/// The addresses that all connections to the database come from.
struct DatabaseAddresses: Sendable {
    /// Of requests and probes.
    let queries: DatabaseAddress
    /// Of the subscriber to invalidations.
    let subscriber: DatabaseAddress

    init(_ settings: DatabaseSettings) {
        queries = DatabaseAddress(settings.url, file: settings.urlFile)
        let (text, file) = settings.subscriberAddress
        subscriber = DatabaseAddress(text, file: file)
    }

    func replace(_ settings: DatabaseSettings) {
        queries.replace(settings.url, file: settings.urlFile)
        let (text, file) = settings.subscriberAddress
        subscriber.replace(text, file: file)
    }
}

extension DatabaseSettings {
    /// Without one of its own the subscriber connects to where the queries go.
    var subscriberAddress: (text: SecretText, file: String?) {
        guard let subscriberURL else { return (url, urlFile) }
        return (subscriberURL, subscriberURLFile)
    }
}
