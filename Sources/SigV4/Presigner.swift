public import Cryptography
public import StreamIssuing

/// Signs URLs of one bucket by query parameters: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)".
///
/// It keeps the day's signing key and its contexts: not for several threads at once.
public final class Presigner {
    /// 1 s to 7 days, as AWS allows.
    public static let expiryRange: ClosedRange<Duration> = .seconds(1) ... .seconds(7 * 86_400)

    private let credentials: Credentials
    private let region: String
    private let endpoint: Endpoint
    private let bucket: String
    private let addressing: Endpoint.Addressing
    private let sha256 = SHA256()
    private var signingKey: SigningKey?

    public init(credentials: Credentials, region: String, endpoint: Endpoint, bucket: String, addressing: Endpoint.Addressing) {
        self.credentials = credentials
        self.region = region
        self.endpoint = endpoint
        self.bucket = bucket
        self.addressing = addressing
    }

    /// - Parameters:
    ///   - method: the HTTP method that the URL is good for.
    ///   - key: the object's key, or empty for the bucket itself.
    ///   - responseContentType: the `Content-Type` that the store answers with, instead of the object's own.
    ///   - expiry: within `expiryRange`.
    public func presign(
        method: String = "GET", key: String, responseContentType: String? = nil, at time: UnixTime, expiry: Duration
    ) throws(CryptographyError) -> String {
        let scope = CredentialScope(at: time, region: region)
        let uri = endpoint.path(bucket: bucket, key: key, addressing)
        let query = QueryParameters(credentials, scope, time, expiry, responseContentType)
        let canonicalRequest = CanonicalRequest(
            method: method, uri: uri, queryString: query.canonical, host: endpoint.hostHeader(bucket: bucket, addressing))
        let stringToSign = StringToSign(time: time, scope: scope, canonicalRequestHash: sha256.hash(canonicalRequest.text))
        let signature = try currentSigningKey(scope).signature(of: stringToSign)
        let authority = endpoint.authority(bucket: bucket, addressing)
        return "\(endpoint.scheme.rawValue)://\(authority)\(uri)?\(query.sent)&X-Amz-Signature=\(signature)"
    }

    private func currentSigningKey(_ scope: CredentialScope) throws(CryptographyError) -> SigningKey {
        if let signingKey, signingKey.scope == scope { return signingKey }
        let derived = try SigningKey(credentials, scope: scope)
        signingKey = derived
        return derived
    }
}

/// The query of a presigned URL in its two orders: sorted, as it is signed, and as botocore sends it.
private struct QueryParameters {
    let canonical: String
    let sent: String

    init(_ credentials: Credentials, _ scope: CredentialScope, _ time: UnixTime, _ expiry: Duration, _ responseContentType: String?) {
        let credential = URIEncoding.encode("\(credentials.accessKeyID)/\(scope.description)")
        let head =
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(credential)&X-Amz-Date=\(time.iso8601Basic)"
            + "&X-Amz-Expires=\(expiry.components.seconds)"
        let token = credentials.sessionToken.map { "&X-Amz-Security-Token=\(URIEncoding.encode($0))" } ?? ""
        let signedHeaders = "&X-Amz-SignedHeaders=host"
        let contentType = responseContentType.map { "response-content-type=\(URIEncoding.encode($0))" }
        // Lower case sorts after upper case, and "Se…" before "Si…".
        canonical = head + token + signedHeaders + (contentType.map { "&\($0)" } ?? "")
        sent = (contentType.map { "\($0)&" } ?? "") + head + signedHeaders + token
    }
}
