import BearerTokens
import Cryptography
import OperatorSettings
import ProviderKeys
import SigV4

/// Settings with the secrets that they name. The caller separates them immediately: settings stay for as long as the
/// process runs, secrets until they are replaced.
struct LoadedSettings {
    let settings: Settings
    let secrets: Secrets
    /// For each key set of a provider that was not fetched now.
    let keyFailures: [KeyLoadFailure]
}

/// What can be read without a command and without a service.
struct LocalSettings {
    let settings: Settings
    let tokens: ReadTokens
    /// Nil where only a command or a service knows it.
    let keyRing: KeyRing?
    /// Nil where only a command or a service knows them.
    let storeCredentials: Credentials?
}

/// The part that is replaced while requests are answered.
struct Secrets: Sendable {
    let declaredTokens: DeclaredTokens
    /// Those of the providers whose keys are known.
    let tokens: AcceptedTokens
    let keyRing: KeyRing
    let storeCredentials: Credentials

    func with(_ tokens: AcceptedTokens) -> Secrets {
        Secrets(
            declaredTokens: declaredTokens, tokens: tokens, keyRing: keyRing, storeCredentials: storeCredentials)
    }
}

/// Everything that is wrong with the settings.
struct SettingsError: Error, CustomStringConvertible {
    let issues: [SettingIssue]
    /// Whether the same settings may work later: a service that they need did not answer.
    var isTemporary = false

    /// A line for each issue.
    var description: String { issues.map(\.description).joined(separator: "\n") }
}
