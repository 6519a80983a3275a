import KeyManagement
import OperatorSettings
import S3ObjectStore
import SigV4

/// How the store's credentials are read.
enum CredentialsReading {
    /// A service or a command that gives them is asked.
    case asSet
    /// It is not asked.
    case withoutAsking
    /// They have just been read.
    case known(Credentials)
}

/// The store's credentials, as far as they have been read.
enum StoreCredentials {
    case known(Credentials)
    /// Only a service or a command knows them.
    case notAsked

    var value: Credentials? { if case .known(let credentials) = self { credentials } else { nil } }
}

// The credentials of the object store.
extension SettingsReader {
    /// From a service, from a command, all from one document, or one by one; nil where they are not valid.
    mutating func storeCredentials() -> StoreCredentials? {
        if case .known(let credentials) = credentialsReading { return .known(credentials) }
        guard let origin = value(S3Setting.credentialsOrigin) else { return nil }
        if origin != .settings { return serviceCredentials(origin) }
        let singly = [S3Setting.accessKeyID, S3Setting.secretAccessKey, S3Setting.sessionToken]
        if source.hasValue(S3Setting.credentialsCommand.declaration) {
            return commandCredentials(besides: singly + [S3Setting.credentials])
        }
        guard source.hasValue(S3Setting.credentials.declaration) else {
            return credentials(singly[0], singly[1], singly[2]).map { .known($0) }
        }
        for setting in singly where source.text(setting) != nil {
            reportBoth(setting, source.givenName(S3Setting.credentials))
        }
        // A file that could not be read has already been reported.
        guard let text = source.text(S3Setting.credentials) else { return nil }
        do {
            return .known(try CredentialsDocument(text).credentials)
        } catch {
            issues.append(SettingIssue(S3Setting.credentials.declaration, reason: "\(error)"))
            return nil
        }
    }

    private mutating func commandCredentials(besides others: [Setting<String>]) -> StoreCredentials? {
        let setting = S3Setting.credentialsCommand
        let doubled = others.filter { source.hasValue($0.declaration) }
        for other in doubled { reportBoth(other, setting.name) }
        // One that was refused has already been reported.
        guard doubled.isEmpty, let text = source.text(setting) else { return nil }
        guard let arguments = CredentialsCommand.arguments(text) else {
            issues.append(
                SettingIssue(
                    setting.declaration,
                    reason: "not an absolute path and arguments, quoted as for a shell, nor a JSON array of them"))
            return nil
        }
        return asked(setting.declaration) { () throws(CredentialsService.Failure) in
            try CredentialsCommand(arguments).credentials(at: SystemClock().now)
        }
    }

    private mutating func serviceCredentials(_ origin: CredentialsOrigin) -> StoreCredentials? {
        let setting = S3Setting.credentialsOrigin
        let others = [
            S3Setting.accessKeyID, S3Setting.secretAccessKey, S3Setting.sessionToken, S3Setting.credentials,
            S3Setting.credentialsCommand,
        ].filter { source.hasValue($0.declaration) }
        for other in others { reportBoth(other, setting.name) }
        guard others.isEmpty else { return nil }
        let service = CredentialsService(
            variables: source.awsVariables, region: source.text(S3Setting.region) ?? "us-east-1")
        return asked(setting.declaration) { () throws(CredentialsService.Failure) in try service.credentials(origin) }
    }

    private mutating func asked(
        _ setting: SettingDeclaration, _ ask: () throws(CredentialsService.Failure) -> Credentials?
    ) -> StoreCredentials? {
        if case .withoutAsking = credentialsReading { return .notAsked }
        do {
            return try ask().map { .known($0) }
        } catch {
            issues.append(SettingIssue(setting, reason: error.description))
            if error.isTemporary { temporaryIssues += 1 }
            return nil
        }
    }

    private mutating func reportBoth(_ setting: Setting<String>, _ other: String) {
        report(setting, "\(source.givenName(setting)) and \(other) are both set; keep one")
    }
}
