import HTTPClient
import S3ObjectStore
import SigV4

/// Asks a site for its player, and reads whether the policy of the page lets it load audio from the store.
struct PlayerPolicyCheck {
    /// What loads from the store, and by which directive: the audio element, or the service worker.
    private static let loads = [("/player/", "media-src"), ("/player/stream-worker.js", "connect-src")]
    private static let limit = 1_048_576

    let store: S3Settings

    /// Nothing where the site has no such player, or one without a policy.
    func findings(_ site: Endpoint) -> [CheckFinding] {
        let origin = store.publicEndpoint.origin(bucket: store.bucket, store.addressing)
        guard let endpoint = Endpoint(origin) else { return [] }
        let policies = Self.loads.compactMap { path, directive in
            policy("\(site.origin)\(path)").map { (path: path, directive: directive, policy: $0) }
        }
        let refusing = policies.filter { !$0.policy.allows($0.directive, endpoint, page: site) }
        guard !policies.isEmpty else { return [] }
        guard !refusing.isEmpty else { return [CheckFinding("player policy", .ok, "\(site.origin) allows \(origin)")] }
        return refusing.map { path, directive, _ in
            CheckFinding(
                "player policy", .warning,
                "\(site.origin)\(path): \(directive) lacks \(origin); render nginx with NOVATUNE_NGINX_MEDIA_ORIGINS=\(origin)"
            )
        }
    }

    private func policy(_ url: String) -> ContentSecurityPolicy? {
        let name = "content-security-policy"
        let answer = Result { () throws(HTTPError) in
            try HTTPClient().get(url, timeout: store.timeout, responseLimit: Self.limit, lists: [name])
        }
        guard case .success(let answer) = answer, answer.status == 200 else { return nil }
        return answer.headers[name].map { ContentSecurityPolicy($0) }
    }
}
