import Glibc
import SigV4

/// Settings that follow from others, so that the operator need not give them.
enum SetupDefaults {
    /// - Returns: those that the answers lack.
    static func derived(_ answers: SetupAnswers, _ paths: SetupPaths) -> [String: String] {
        var derived: [String: String] = [:]
        if !answers.has("NOVATUNE_S3_REGION") {
            derived["NOVATUNE_S3_REGION"] =
                answers["NOVATUNE_S3_ENDPOINT"].flatMap { region(ofEndpoint: $0) } ?? "us-east-1"
        }
        let tokenKeys = [
            "NOVATUNE_JWT_KEYS", "NOVATUNE_JWT_KEYS_URL", "NOVATUNE_JWT_HS256_SECRET", "NOVATUNE_JWT_PROVIDERS",
        ]
        if !answers.has("NOVATUNE_JWT_DISCOVERY"), !tokenKeys.contains(where: { answers.has($0) }) {
            derived["NOVATUNE_JWT_DISCOVERY"] = "on"
        }
        let keyRings = ["NOVATUNE_CACHE_KEYS", "NOVATUNE_CACHE_KEYS_DIRECTORY", "NOVATUNE_CACHE_KEYS_COMMAND"]
        if !keyRings.contains(where: { answers.has($0) }) { derived["NOVATUNE_CACHE_KEYS_FILE"] = paths.keyRing }
        derived.merge(certificate(answers)) { $1 }
        return derived
    }

    /// Amazon's hosts name their region.
    static func region(ofEndpoint text: String) -> String? {
        guard let host = Endpoint(withPath: text)?.host,
            let domain = [".amazonaws.com", ".amazonaws.com.cn"].first(where: { host.hasSuffix($0) })
        else { return nil }
        let parts = host.dropLast(domain.count).split(separator: ".")
        guard let region = parts.last, region != "s3", parts.contains("s3") else { return nil }
        return String(region)
    }

    /// With a certificate the site speaks https. Certbot's certificate of the host name is found.
    private static func certificate(_ answers: SetupAnswers) -> [String: String] {
        var derived: [String: String] = [:]
        var hasCertificate = answers["NOVATUNE_NGINX_CERTIFICATE"] != nil
        if !hasCertificate, answers["NOVATUNE_NGINX_SCHEME"] != "http",
            let name = answers["NOVATUNE_NGINX_SERVER_NAME"]?.split(separator: " ").first
        {
            let directory = "/etc/letsencrypt/live/\(name)"
            if unsafe access("\(directory)/fullchain.pem", R_OK) == 0 {
                derived["NOVATUNE_NGINX_CERTIFICATE"] = "\(directory)/fullchain.pem"
                derived["NOVATUNE_NGINX_CERTIFICATE_KEY"] = "\(directory)/privkey.pem"
                hasCertificate = true
            }
        }
        if hasCertificate, answers["NOVATUNE_NGINX_SCHEME"] == nil { derived["NOVATUNE_NGINX_SCHEME"] = "https" }
        return derived
    }
}
