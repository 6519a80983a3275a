import Cryptography

/// Task 3 of "Create a signed AWS API request" (AWS General Reference, Signature Version 4):
/// valid for one day, region and service.
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

    /// The same, of the string's UTF-8.
    func signature(of stringToSign: [UInt8]) -> Digest256 { authenticator.authenticationCode(for: stringToSign.span) }
}
