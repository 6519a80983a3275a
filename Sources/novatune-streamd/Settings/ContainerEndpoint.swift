import SigV4

/// Where a container gets its credentials ("Container credential provider", AWS SDKs and Tools Reference Guide).
enum ContainerEndpoint {
    /// ECS, and EKS Pod Identity.
    private static let hosts = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"]

    /// - Parameter variables: `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` wins over `…_FULL_URI`.
    static func url(_ variables: [String: String]) throws(CredentialsService.Failure) -> String {
        if let path = variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"], !path.isEmpty {
            guard path.hasPrefix("/"), isPlain(path) else {
                throw failure("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not a path")
            }
            return "http://\(hosts[0])\(path)"
        }
        let name = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
        guard let url = variables[name], !url.isEmpty else {
            throw failure("\(name) or AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is required")
        }
        let authority = url.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).first
        let origin = authority.map { "\(url.hasPrefix("https:") ? "https" : "http")://\($0.prefix { $0 != "/" })" }
        guard isPlain(url), let origin, url.hasPrefix(origin), let endpoint = Endpoint(origin) else {
            throw failure("\(name) is not a URL")
        }
        // The answer is a secret, and so may be what is sent for it.
        guard endpoint.scheme == .https || endpoint.isLoopback || hosts.contains(endpoint.host) else {
            throw failure("\(name) is neither https nor an address of this host, of ECS or of EKS")
        }
        return url
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

    private static func failure(_ reason: String) -> CredentialsService.Failure {
        CredentialsService.Failure(description: reason)
    }
}
