public import Cryptography
public import StreamIssuing

/// Signs requests to an AWS service by their headers: "Create a signed AWS API request" (AWS General Reference,
/// Signature Version 4).
public struct RequestSigner: Sendable {
    private let credentials: Credentials
    private let region: String
    private let service: String

    /// - Parameter service: as AWS abbreviates it: `kms`.
    public init(credentials: Credentials, region: String, service: String) {
        self.credentials = credentials
        self.region = region
        self.service = service
    }

    /// The headers of a signed `POST /`: the given ones and those that the signature adds, without `Host`, which the
    /// client sends.
    /// - Parameter headers: names in lower case; no value begins or ends with a space.
    public func post(
        _ endpoint: Endpoint, headers: [(name: String, value: String)], payload: [UInt8], at time: UnixTime
    ) throws(CryptographyError) -> [(name: String, value: String)] {
        try sign(
            CanonicalTarget(method: "POST", host: endpoint.hostHeader, uri: "/", queryString: ""), headers: headers,
            payload: payload, at: time)
    }

    /// A signed call of S3 for a sub-resource of an object, such as its tags ("Authenticating Requests: Using the
    /// Authorization Header"). S3 also wants the payload's hash as a header.
    /// - Parameters:
    ///   - subresource: an unreserved name without a value: `tagging`.
    ///   - headers: as of `post`.
    public func objectCall(
        _ method: String, _ subresource: String, of key: String, in bucket: BucketAddress,
        headers: [(name: String, value: String)] = [], payload: [UInt8] = [], at time: UnixTime
    ) throws(CryptographyError) -> (url: String, headers: [(name: String, value: String)]) {
        let endpoint = bucket.endpoint
        let path = endpoint.objectPath(bucket: bucket.name, key: key, bucket.addressing)
        let target = CanonicalTarget(
            method: method, host: endpoint.hostHeader(bucket: bucket.name, bucket.addressing),
            uri: bucket.pathHandling == .kept ? endpoint.path + path : path, queryString: "\(subresource)=")
        let hash = ("x-amz-content-sha256", SHA256().hash(payload.span).hexadecimal)
        let signed = try sign(target, headers: headers + [hash], payload: payload, at: time)
        let authority = endpoint.authority(bucket: bucket.name, bucket.addressing)
        return ("\(endpoint.scheme.rawValue)://\(authority)\(endpoint.path)\(path)?\(subresource)", signed)
    }

    /// What is called: the first lines of the canonical request.
    private struct CanonicalTarget {
        let method: String
        let host: String
        let uri: String
        let queryString: String
    }

    private func sign(
        _ target: CanonicalTarget, headers: [(name: String, value: String)], payload: [UInt8], at time: UnixTime
    ) throws(CryptographyError) -> [(name: String, value: String)] {
        var sent = headers + [("x-amz-date", time.iso8601Basic)]
        if let token = credentials.sessionToken { sent.append(("x-amz-security-token", token)) }
        let signed = (sent + [("host", target.host)]).sorted { $0.name < $1.name }
        let sha256 = SHA256()
        let request = CanonicalRequest(
            method: target.method, uri: target.uri, queryString: target.queryString,
            headers: signed.map { "\($0.name):\($0.value)\n" }.joined(),
            signedHeaders: signed.map(\.name).joined(separator: ";"), payloadHash: sha256.hash(payload.span).hexadecimal
        )
        let scope = CredentialScope(at: time, region: region, service: service)
        let stringToSign = StringToSign(time: time, scope: scope, canonicalRequestHash: sha256.hash(request.text))
        let signature = try SigningKey(credentials, scope: scope).signature(of: stringToSign)
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(credentials.accessKeyID)/\(scope.description), "
            + "SignedHeaders=\(request.signedHeaders), Signature=\(signature)"
        return sent + [("authorization", authorization)]
    }
}

/// A bucket, and how it is reached.
public struct BucketAddress: Sendable {
    public let endpoint: Endpoint
    public let name: String
    public let addressing: Endpoint.Addressing
    public let pathHandling: Endpoint.PathHandling

    public init(
        endpoint: Endpoint, name: String, addressing: Endpoint.Addressing, pathHandling: Endpoint.PathHandling = .kept
    ) {
        self.endpoint = endpoint
        self.name = name
        self.addressing = addressing
        self.pathHandling = pathHandling
    }
}
