import BearerTokens
import HTTPClient
import OperatorSettings
import Resilience

/// A key set as it was fetched.
struct FetchedKeys: Sendable {
    let keys: PublishedKeys
    /// The set's text.
    let text: [UInt8]
    /// How long it is fresh; nil where the provider does not say it.
    let maximumAge: Duration?
}

/// Why a key set could not be fetched. It quotes no key.
public struct KeyFetchFailure: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable {
        /// The provider does not answer, or says that it cannot.
        case unreachable
        /// Its answer is no key set with a key for this service.
        case invalid
    }

    public let kind: Kind
    public let description: String
    /// The provider's `Retry-After` (RFC 9110 §10.2.3); nil where it names none.
    let retryAfter: Duration?

    static func unreachable(_ reason: String, retryAfter: Duration? = nil) -> KeyFetchFailure {
        .init(kind: .unreachable, description: reason, retryAfter: retryAfter)
    }
    static func invalid(_ reason: String) -> KeyFetchFailure {
        .init(kind: .invalid, description: reason, retryAfter: nil)
    }
}

/// One fetch of a provider's keys. It blocks.
struct KeyFetch {
    /// In bytes; real sets have some kilobytes.
    static let limit = 1 << 20
    static let redirects = 3

    let deadline: Deadline
    private let client: HTTPClient

    init(_ location: KeyLocation, within limit: Duration) {
        deadline = Deadline(after: limit)
        client = HTTPClient(TLSFiles(certificateAuthorities: location.certificateAuthorities))
    }

    /// - Parameter algorithms: those that keys are used with; a set without such a key is not usable.
    func keys(at address: KeyLocation.Address, for algorithms: [SignatureAlgorithm]) throws(KeyFetchFailure)
        -> FetchedKeys
    {
        let url: String
        switch address {
        case .keys(let location): url = location
        case .discovery(let issuer): url = try discoveredURL(issuer)
        }
        let response = try answer(url)
        guard response.status == 200 else { throw Self.failure(url, response) }
        do throws(KeySetError) {
            let keys = try PublishedKeys(jsonWebKeySet: response.body).withoutSecrets()
            _ = try keys.bounded(by: algorithms)
            return FetchedKeys(
                keys: keys, text: response.body,
                maximumAge: MaximumAge.read(response.headers["cache-control"] ?? "", age: response.headers["age"]))
        } catch {
            throw .invalid("\(Self.host(url)): \(error)")
        }
    }

    private func discoveredURL(_ issuer: String) throws(KeyFetchFailure) -> String {
        var failure = KeyFetchFailure.invalid("the issuer is no URL")
        for url in DiscoveryDocument.urls(issuer: issuer) {
            let response = try answer(url)
            if response.status == 200 { return try DiscoveryDocument.keysURL(response.body, issuer: issuer) }
            failure = Self.failure(url, response)
            // Only an answer that there is no such document leads to the other address.
            guard (400..<500).contains(response.status), response.status != 429 else { break }
        }
        throw failure
    }

    /// Follows redirects within the same scheme, host and port: another host would be trusted like this one.
    private func answer(_ first: String) throws(KeyFetchFailure) -> HTTPResponse {
        var url = first
        for _ in 0...Self.redirects {
            let response: HTTPResponse
            do {
                response = try client.get(
                    url, headers: [("Accept", "application/json")], timeout: deadline.remaining,
                    responseLimit: Self.limit, reading: ["age", "location"], lists: ["cache-control"])
            } catch {
                let reason = "\(Self.host(url)): \(error)"
                throw error.code == "too_large" ? .invalid(reason) : .unreachable(reason)
            }
            guard [301, 302, 303, 307, 308].contains(response.status) else { return response }
            url = try Self.target(of: response, from: url)
        }
        throw .invalid("\(Self.host(first)) redirects more than \(Self.redirects) times")
    }

    private static func target(of response: HTTPResponse, from url: String) throws(KeyFetchFailure) -> String {
        guard let location = response.headers["location"], let origin = KeyLocation.Origin(url) else {
            throw .invalid("\(host(url)) redirects to no address")
        }
        let target = location.hasPrefix("/") && !location.hasPrefix("//") ? origin.text + location : location
        guard let other = KeyLocation.Origin(target), origin.isSame(as: other),
            (try? KeyLocation.require(target)) != nil
        else {
            throw .invalid("\(host(url)) redirects to another host, which is not followed; set the address there")
        }
        return target
    }

    private static func failure(_ url: String, _ response: HTTPResponse) -> KeyFetchFailure {
        let reason = "\(host(url)) answered \(response.status)"
        return response.status == 429 || response.status >= 500
            ? .unreachable(reason, retryAfter: response.retryAfterSeconds.map { .seconds($0) })
            : .invalid("\(reason); look whether the address is right")
    }

    private static func host(_ url: String) -> String { KeyLocation.Origin(url)?.authority ?? "the provider" }
}
