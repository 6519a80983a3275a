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
        var sent = headers + [("x-amz-date", time.iso8601Basic)]
        if let token = credentials.sessionToken { sent.append(("x-amz-security-token", token)) }
        let signed = (sent + [("host", endpoint.hostHeader)]).sorted { $0.name < $1.name }
        let sha256 = SHA256()
        let request = CanonicalRequest(
            method: "POST", uri: "/", queryString: "", headers: signed.map { "\($0.name):\($0.value)\n" }.joined(),
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
