import ArgumentParser
import BearerTokens
import Cryptography
import OperatorSettings
import StreamIssuing

/// Mints a token for development.
struct MintToken: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mint", abstract: "Mint an HS256 bearer token for development (the default).",
        discussion: """
            Needs NOVATUNE_JWT_HS256_SECRET (or NOVATUNE_JWT_HS256_SECRET_FILE), NOVATUNE_JWT_ISSUER and \
            NOVATUNE_JWT_AUDIENCE, in the environment or in the file given by --config. Prints the token alone.

            EXAMPLE: curl -X POST -H "Authorization: Bearer $(novatune-streamd token --user 01HXK…)" http://…/tracks/01HXK…/stream
            """
    )

    @Option(name: .long, help: ArgumentHelp("The user's ULID: claim sub.", valueName: "ulid"))
    var user: String

    @Option(name: .long, help: ArgumentHelp("A role: claim roles. May be given several times.", valueName: "role"))
    var role: [String] = ["listener"]

    @Option(name: .long, help: ArgumentHelp("How long it is valid: 90s, 15m, 24h.", valueName: "duration"))
    var expiresIn = "1h"

    @Option(name: .long, help: ArgumentHelp("Read settings from this file: lines NAME=value.", valueName: "file"))
    var config: String?

    func run() throws {
        guard let userID = ULID(user) else { throw ValidationError("--user is not a ULID of 26 characters") }
        guard let lifetime = DurationText.parse(expiresIn), lifetime >= .seconds(1) else {
            throw ValidationError("--expires-in is not a duration of at least 1s, such as 90s, 15m or 24h")
        }
        let source = SettingsSource(environment: Environment.variables, configPath: config)
        let (secretSetting, issuerSetting, audienceSetting) = (
            TokenSetting.sharedSecret, TokenSetting.issuer, TokenSetting.audience
        )
        let issues = source.issues(about: [
            secretSetting.declaration, issuerSetting.declaration, audienceSetting.declaration,
        ])
        guard issues.isEmpty else {
            for issue in issues { Console.error(issue.description) }
            throw SettingsOptions.invalidSettings
        }
        guard let secret = source.text(secretSetting) else {
            Console.error("NOVATUNE_JWT_HS256_SECRET is not set; tokens of other algorithms come from their issuer")
            throw SettingsOptions.invalidSettings
        }
        guard let issuer = first(issuerSetting, source), let audience = first(audienceSetting, source) else {
            Console.error("NOVATUNE_JWT_ISSUER and NOVATUNE_JWT_AUDIENCE are required")
            throw SettingsOptions.invalidSettings
        }
        do {
            let mint = try TokenMint(secret: SymmetricKey(Array(secret.utf8)), issuer: issuer, audience: audience)
            Console.print(mint.token(user: userID, roles: role, issuedAt: SystemClock().now, lifetime: lifetime))
        } catch {
            Console.error("NOVATUNE_JWT_HS256_SECRET: \(error)")
            throw SettingsOptions.invalidSettings
        }
    }

    private func first(_ setting: Setting<[String]>, _ source: SettingsSource) -> String? {
        source.text(setting).flatMap { try? setting.value($0).first }
    }
}
