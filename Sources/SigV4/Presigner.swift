public import Cryptography
public import StreamIssuing

/// Signs URLs of one bucket by query parameters: "Authenticating Requests: Using Query Parameters (AWS Signature
/// Version 4)".
///
/// It keeps signing keys with their contexts, and the common part of all URLs of one second: not thread-safe.
public final class Presigner {
    /// 1 s to 7 days, as AWS allows.
    public static let expiryRange: ClosedRange<Duration> = .seconds(1) ... .seconds(7 * 86_400)

    private let credentials: Credentials
    private let region: String
    private let endpoint: Endpoint
    private let bucket: String
    private let addressing: Endpoint.Addressing
    private let host: String
    /// `scheme://authority[/path]`.
    private let origin: String
    /// The endpoint's path, where the store sees it.
    private let signedPath: String
    /// With its separator; empty without one.
    private let tokenParameter: String
    private let sha256 = SHA256()
    /// The last two days' at most: around midnight, windows of both take turns.
    private var signingKeys: [SigningKey] = []
    private var second: Second?

    /// - Parameter pathHandling: of the endpoint's path, where it has one.
    public init(
        credentials: Credentials, region: String, endpoint: Endpoint, bucket: String, addressing: Endpoint.Addressing,
        pathHandling: Endpoint.PathHandling = .kept
    ) {
        self.credentials = credentials
        self.region = region
        self.endpoint = endpoint
        self.bucket = bucket
        self.addressing = addressing
        host = endpoint.hostHeader(bucket: bucket, addressing)
        origin = "\(endpoint.scheme.rawValue)://\(endpoint.authority(bucket: bucket, addressing))\(endpoint.path)"
        signedPath = pathHandling == .kept ? endpoint.path : ""
        tokenParameter = credentials.sessionToken.map { "&X-Amz-Security-Token=\(URIEncoding.encode($0))" } ?? ""
    }

    /// - Parameters:
    ///   - method: the HTTP method that the URL is valid for.
    ///   - key: the object's key, or empty for the bucket itself.
    ///   - responseContentType: the `Content-Type` that the store answers with, instead of the object's own.
    ///   - parameter: one that the store ignores. Its name sorts after `response-content-type`, and neither name nor value
    ///     needs percent-encoding.
    ///   - expiry: within `expiryRange`.
    public func presign(
        method: String = "GET", key: String, responseContentType: String? = nil,
        parameter: (name: String, value: String)? = nil, at time: UnixTime, expiry: Duration
    ) throws(CryptographyError) -> String {
        let second = current(time)
        let uri = endpoint.objectPath(bucket: bucket, key: key, addressing)
        let head = "\(second.parameters)&X-Amz-Expires=\(expiry.components.seconds)"
        let others =
            [
                responseContentType.map { "response-content-type=\(URIEncoding.encode($0))" },
                parameter.map { "\($0.name)=\($0.value)" },
            ].compactMap { $0 }.joined(separator: "&")
        // Lower case sorts after upper case, and "Se…" before "Si…".
        let canonicalQuery = head + tokenParameter + Self.signedHeaders + (others.isEmpty ? "" : "&\(others)")
        let request = CanonicalRequest(
            method: method, uri: signedPath.isEmpty ? uri : signedPath + uri, queryString: canonicalQuery, host: host)
        let stringToSign = StringToSign(head: second.stringToSignHead, canonicalRequestHash: sha256.hash(request.text))
        let signature = try currentSigningKey(second.scope).signature(of: stringToSign)
        // In botocore's order.
        let sent = (others.isEmpty ? "" : "\(others)&") + head + Self.signedHeaders + tokenParameter
        return "\(origin)\(uri)?\(sent)&X-Amz-Signature=\(signature)"
    }

    private static let signedHeaders = "&X-Amz-SignedHeaders=host"

    /// The common part of all URLs of one second.
    private struct Second {
        let time: UnixTime
        let scope: CredentialScope
        let stringToSignHead: String
        let parameters: String
    }

    private func current(_ time: UnixTime) -> Second {
        if let second, second.time == time { return second }
        let scope = CredentialScope(at: time, region: region)
        let credential = URIEncoding.encode("\(credentials.accessKeyID)/\(scope.description)")
        let made = Second(
            time: time, scope: scope, stringToSignHead: StringToSign.head(time, scope),
            parameters:
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(credential)&X-Amz-Date=\(time.iso8601Basic)")
        second = made
        return made
    }

    private func currentSigningKey(_ scope: CredentialScope) throws(CryptographyError) -> SigningKey {
        if let known = signingKeys.first(where: { $0.scope == scope }) { return known }
        let derived = try SigningKey(credentials, scope: scope)
        signingKeys = [derived] + signingKeys.prefix(1)
        return derived
    }
}
