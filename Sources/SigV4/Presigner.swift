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
    // Text is put together from bytes: many small strings would cost more than the signature.
    /// Scheme, authority and path of each URL, up to the object's key.
    private let origin: [UInt8]
    /// The part of `origin` that the store sees as the path.
    private let signedPath: [UInt8]
    /// With its separator; empty without one.
    private let tokenParameter: [UInt8]
    /// Headers and payload of each canonical request.
    private let canonicalEnd: [UInt8]
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
        let root = endpoint.objectPath(bucket: bucket, key: "", addressing)
        let authority = endpoint.authority(bucket: bucket, addressing)
        origin = Array("\(endpoint.scheme.rawValue)://\(authority)\(endpoint.path)\(root)".utf8)
        signedPath = Array((pathHandling == .kept ? endpoint.path + root : root).utf8)
        let token = credentials.sessionToken.map { "&X-Amz-Security-Token=\(URIEncoding.encode($0))" }
        tokenParameter = Array((token ?? "").utf8)
        // The payload is not part of the signature.
        let host = endpoint.hostHeader(bucket: bucket, addressing)
        canonicalEnd = Array("\nhost:\(host)\n\nhost\nUNSIGNED-PAYLOAD".utf8)
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
        let seconds = String(expiry.components.seconds)
        let others = Self.parameters(responseContentType, parameter)
        let request = canonicalRequest(method, key, second, seconds, others)
        var stringToSign = second.stringToSignHead
        sha256.hash(request.span).appendHexadecimal(to: &stringToSign)
        let signature = try currentSigningKey(second.scope).signature(of: stringToSign)

        var url: [UInt8] = []
        url.reserveCapacity(Self.usualLength)
        url += origin
        URIEncoding.append(key, keepingSlashes: true, to: &url)
        url.append(UInt8(ascii: "?"))
        // In botocore's order.
        url += others
        url += second.parameters
        url += seconds.utf8
        url += Self.signedHeaders.utf8
        url += tokenParameter
        url += "&X-Amz-Signature=".utf8
        signature.appendHexadecimal(to: &url)
        return String(decoding: url, as: UTF8.self)
    }

    /// Those that are not of the signature, each with the separator behind it.
    private static func parameters(_ responseContentType: String?, _ parameter: (name: String, value: String)?)
        -> [UInt8]
    {
        var text: [UInt8] = []
        if let responseContentType {
            text += "response-content-type=".utf8
            URIEncoding.append(responseContentType, to: &text)
            text.append(separator)
        }
        if let parameter { text += "\(parameter.name)=\(parameter.value)&".utf8 }
        return text
    }

    /// Task 1 of "Create a signed AWS API request" (AWS General Reference, Signature Version 4), as `CanonicalRequest`
    /// has it.
    private func canonicalRequest(
        _ method: String, _ key: String, _ second: Second, _ seconds: String, _ others: [UInt8]
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(Self.usualLength)
        text += method.utf8
        text.append(UInt8(ascii: "\n"))
        text += signedPath
        URIEncoding.append(key, keepingSlashes: true, to: &text)
        text.append(UInt8(ascii: "\n"))
        // Lower case sorts after upper case, and "Se…" before "Si…".
        text += second.parameters
        text += seconds.utf8
        text += tokenParameter
        text += Self.signedHeaders.utf8
        if !others.isEmpty {
            text.append(Self.separator)
            text += others.dropLast()
        }
        text += canonicalEnd
        return text
    }

    private static let usualLength = 768
    private static let separator = UInt8(ascii: "&")
    private static let signedHeaders = "&X-Amz-SignedHeaders=host"

    /// The common part of all URLs of one second.
    private struct Second {
        let time: UnixTime
        let scope: CredentialScope
        let stringToSignHead: [UInt8]
        /// Up to the value of `X-Amz-Expires`.
        let parameters: [UInt8]
    }

    private func current(_ time: UnixTime) -> Second {
        if let second, second.time == time { return second }
        let scope = CredentialScope(at: time, region: region)
        let credential = URIEncoding.encode("\(credentials.accessKeyID)/\(scope.description)")
        let parameters =
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\(credential)&X-Amz-Date=\(time.iso8601Basic)"
            + "&X-Amz-Expires="
        let made = Second(
            time: time, scope: scope, stringToSignHead: Array(StringToSign.head(time, scope).utf8),
            parameters: Array(parameters.utf8))
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
