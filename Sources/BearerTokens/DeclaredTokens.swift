/// The providers as the operator declares them, and what holds for the tokens of all.
public struct DeclaredTokens: Sendable {
    /// At least one.
    public let providers: [DeclaredProvider]
    /// Those that published keys are used with.
    public let algorithms: [SignatureAlgorithm]
    public let leeway: Duration

    public init(providers: [DeclaredProvider], algorithms: [SignatureAlgorithm], leeway: Duration) {
        self.providers = providers
        self.algorithms = algorithms
        self.leeway = leeway
    }

    /// Where keys must be fetched, each location once.
    public var locations: [KeyLocation] {
        providers.compactMap(\.location).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    /// The providers whose keys are known.
    /// - Parameter fetched: the key sets at the locations. A provider whose set is missing is left out, so that the
    ///   others' tokens are accepted.
    /// - Throws: where a provider's keys are not usable.
    public func accepted(_ fetched: [KeyLocation: PublishedKeys]) throws(KeySetError) -> AcceptedTokens {
        var known: [TokenProvider] = []
        for provider in providers {
            if let provider = try provider.provider(fetched, bounding: algorithms) { known.append(provider) }
        }
        return accepted(known)
    }

    /// The same for sets that were found usable by themselves: one that is not, because the algorithms have changed
    /// meanwhile, keeps only its own provider's users out.
    public func acceptedWhereUsable(_ fetched: [KeyLocation: PublishedKeys]) -> AcceptedTokens {
        accepted(providers.compactMap { (try? $0.provider(fetched, bounding: algorithms)) ?? nil })
    }

    private func accepted(_ known: [TokenProvider]) -> AcceptedTokens {
        AcceptedTokens(
            providers: known, leeway: leeway, fetchedAlgorithms: locations.isEmpty ? [] : algorithms)
    }
}
