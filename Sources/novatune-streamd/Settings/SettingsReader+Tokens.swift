import BearerTokens
import OperatorSettings
import ProviderKeys

extension SettingsReader {
    /// The providers whose tokens are accepted: those of the list, or the one that the other settings describe; and their
    /// keys.
    mutating func tokens() -> ReadTokens? {
        let (algorithms, leeway) = (value(TokenSetting.algorithms), value(TokenSetting.leeway))
        guard let providers = declaredProviders(), let algorithms, let leeway else { return nil }
        let declared = DeclaredTokens(providers: providers, algorithms: algorithms, leeway: leeway)
        var (fetched, failures): ([KeyLocation: PublishedKeys], [KeyLoadFailure]) = ([:], [])
        if case .from(let keySets) = providerKeysReading {
            failures = keySets.load(declared, directory: stateDirectory)
            fetched = keySets.current
        }
        do {
            let accepted = try declared.accepted(fetched)
            let unknown = failures.filter { isRefused($0, accepted) }
            for failure in unknown { report(failure) }
            return unknown.isEmpty ? ReadTokens(declared: declared, accepted: accepted, failures: failures) : nil
        } catch {
            let isFetched = declared.locations.contains { fetched[$0] != nil }
            issues.append(SettingIssue(isFetched ? locationDeclaration : keysDeclaration, reason: "\(error)"))
            return nil
        }
    }

    /// At a start, one provider that is away does not keep the users of the others out. At a reload, an address that is
    /// new and has no keys does not replace one that has.
    private func isRefused(_ failure: KeyLoadFailure, _ accepted: AcceptedTokens) -> Bool {
        guard !failure.isStored else { return false }
        if accepted.providers.isEmpty { return true }
        guard case .from(let keySets) = providerKeysReading else { return false }
        return keySets.isStarted && failure.isNew
    }

    /// A provider that is being mended may answer anything: it is asked again.
    private mutating func report(_ failure: KeyLoadFailure) {
        issues.append(SettingIssue(locationDeclaration, reason: "no keys: \(failure.failure)"))
        temporaryIssues += 1
    }

    /// Nil where sets are not kept.
    private var stateDirectory: String? { source.text(TokenSetting.stateDirectory) ?? source.systemdStateDirectory }

    private var locationDeclaration: SettingDeclaration {
        if isProviderListSet { return TokenSetting.providers.declaration }
        let isURLSet = source.hasValue(TokenSetting.keysURL.declaration)
        return isURLSet ? TokenSetting.keysURL.declaration : TokenSetting.discovery.declaration
    }

    private var isProviderListSet: Bool { source.hasValue(TokenSetting.providers.declaration) }

    private var keysDeclaration: SettingDeclaration {
        isProviderListSet ? TokenSetting.providers.declaration : TokenSetting.keys.declaration
    }

    private mutating func declaredProviders() -> [DeclaredProvider]? {
        guard isProviderListSet else { return oneProvider().map { [$0] } }
        if let other = TokenSetting.ofOneProvider.first(where: { source.hasValue($0) }) {
            report(
                TokenSetting.providers,
                "\(source.givenName(TokenSetting.providers)) replaces \(other.name): set one of the two")
            return nil
        }
        return value(TokenSetting.providers)
    }

    private mutating func oneProvider() -> DeclaredProvider? {
        let requirements = claimRequirements()
        let keys = tokenKeys(issuer: requirements?.issuers.first)
        guard let keys, let requirements else { return nil }
        return DeclaredProvider(
            requirements: requirements, published: keys.published, location: keys.location, sharedSecret: keys.secret)
    }

    private typealias TokenKeys = (published: PublishedKeys?, location: KeyLocation?, secret: VerificationKey?)

    private mutating func tokenKeys(issuer: String?) -> TokenKeys? {
        let isDiscovered = value(TokenSetting.discovery)
        let given =
            [TokenSetting.keys.declaration, TokenSetting.keysURL.declaration].filter { source.hasValue($0) }
            + (isDiscovered == true ? [TokenSetting.discovery.declaration] : [])
        guard given.count < 2 else {
            issues.append(
                SettingIssue(given[1], sentence: "\(given.map(\.name).joined(separator: " and ")): set one of the two"))
            return nil
        }
        guard !given.isEmpty || source.hasValue(TokenSetting.sharedSecret.declaration) else {
            if isDiscovered != nil {
                report(
                    TokenSetting.keys,
                    "NOVATUNE_JWT_DISCOVERY=on, NOVATUNE_JWT_KEYS_URL, NOVATUNE_JWT_KEYS_FILE or "
                        + "NOVATUNE_JWT_HS256_SECRET is required")
            }
            return nil
        }
        let (published, secret) = (value(TokenSetting.keys), value(TokenSetting.sharedSecret))
        let location = location(isDiscovered == true, issuer: issuer)
        // Where each of them is refused, that has already been reported.
        guard published != nil || location != nil || secret != nil else { return nil }
        return (published, location, secret)
    }

    private mutating func location(_ isDiscovered: Bool, issuer: String?) -> KeyLocation? {
        let url = value(TokenSetting.keysURL)
        let authorities = pemFile(TokenSetting.certificateAuthorities, "CERTIFICATE")
        guard
            let address: KeyLocation.Address = url.map({ .keys($0) })
                ?? (isDiscovered ? issuer.map { .discovery(issuer: $0) } : nil)
        else {
            if source.hasValue(TokenSetting.certificateAuthorities.declaration), !isDiscovered {
                report(
                    TokenSetting.certificateAuthorities,
                    "\(TokenSetting.certificateAuthorities.name) needs \(TokenSetting.keysURL.name) or "
                        + "\(TokenSetting.discovery.name)=on")
            }
            return nil
        }
        do {
            return try KeyLocation(address, certificateAuthorities: authorities)
        } catch {
            let declaration = url == nil ? TokenSetting.issuer.declaration : TokenSetting.keysURL.declaration
            issues.append(SettingIssue(declaration, reason: "\(error)"))
            return nil
        }
    }

    private mutating func claimRequirements() -> ClaimRequirements? {
        let (issuers, audiences, clients) = (
            value(TokenSetting.issuer), value(TokenSetting.audience), value(TokenSetting.clients)
        )
        let bindings = [TokenSetting.audience.declaration, TokenSetting.clients.declaration]
        if !bindings.contains(where: { source.hasValue($0) }) {
            report(TokenSetting.audience, "NOVATUNE_JWT_AUDIENCE or NOVATUNE_JWT_CLIENTS is required")
            return nil
        }
        guard let issuers, audiences != nil || clients != nil, let userClaim = value(TokenSetting.userClaim),
            let rolesClaim = value(TokenSetting.rolesClaim), let listeners = value(TokenSetting.listenerRole)
        else { return nil }
        return ClaimRequirements(
            issuers: issuers, audiences: audiences ?? [], clients: clients ?? [], userClaim: userClaim,
            rolesClaim: rolesClaim, listeners: listeners)
    }
}

/// How the key sets of providers are read.
enum ProviderKeysReading {
    /// Those at a URL are left out.
    case withoutAsking
    case from(ProviderKeySets)
}

/// The providers, as declared and with their keys.
struct ReadTokens {
    let declared: DeclaredTokens
    let accepted: AcceptedTokens
    /// For each set that was not fetched now.
    let failures: [KeyLoadFailure]
}
