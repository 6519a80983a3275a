import Cryptography
import StreamIssuing

// The four tasks of "Create a signed AWS API request" (AWS General Reference, Signature Version 4), each a value that can be
// compared with AWS's own examples.

/// Task 1.
struct CanonicalRequest {
    let method: String
    /// The path, each segment encoded once (S3 does not normalise paths).
    let uri: String
    /// Encoded names and values, sorted by encoded name, joined by `&`.
    let queryString: String
    /// `name:value` and a line feed for each signed header, names in lower case and sorted.
    let headers: String
    /// The names, joined by `;`.
    let signedHeaders: String
    /// In hexadecimal, or `UNSIGNED-PAYLOAD`.
    let payloadHash: String

    var text: String { "\(method)\n\(uri)\n\(queryString)\n\(headers)\n\(signedHeaders)\n\(payloadHash)" }
}

extension CanonicalRequest {
    /// For a presigned URL: the payload is not part of the signature, and `host` is the only signed header.
    /// - Parameter host: as the client will send it, without a default port.
    init(method: String, uri: String, queryString: String, host: String) {
        self.init(
            method: method, uri: uri, queryString: queryString, headers: "host:\(host)\n", signedHeaders: "host",
            payloadHash: "UNSIGNED-PAYLOAD")
    }
}

/// Task 2.
struct StringToSign {
    /// The same for everything that is signed in one second: algorithm, time and scope, a line each.
    let head: String
    let canonicalRequestHash: Digest256

    var text: String { "\(head)\(canonicalRequestHash.hexadecimal)" }

    static func head(_ time: UnixTime, _ scope: CredentialScope) -> String {
        "AWS4-HMAC-SHA256\n\(time.iso8601Basic)\n\(scope.description)\n"
    }
}

extension StringToSign {
    init(time: UnixTime, scope: CredentialScope, canonicalRequestHash: Digest256) {
        self.init(head: Self.head(time, scope), canonicalRequestHash: canonicalRequestHash)
    }
}

/// Task 3: valid for one day, region and service.
struct SigningKey {
    let scope: CredentialScope
    private let authenticator: HMACSHA256

    init(_ credentials: Credentials, scope: CredentialScope) throws(CryptographyError) {
        func hmac(_ key: [UInt8], _ message: String) throws(CryptographyError) -> [UInt8] {
            try HMACSHA256(key: key.span).authenticationCode(for: message.utf8.span).bytes
        }
        let dateKey = try hmac(Array("AWS4\(credentials.secretAccessKey)".utf8), scope.date)
        let dateRegionKey = try hmac(dateKey, scope.region)
        let dateRegionServiceKey = try hmac(dateRegionKey, scope.service)
        let signingKey = try hmac(dateRegionServiceKey, "aws4_request")
        self.scope = scope
        authenticator = try HMACSHA256(key: signingKey.span)
    }

    /// Task 4: the signature, in hexadecimal.
    func signature(of stringToSign: StringToSign) -> String {
        authenticator.authenticationCode(for: stringToSign.text.utf8.span).hexadecimal
    }
}
