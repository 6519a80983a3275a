public import Cryptography
public import StreamIssuing

/// Makes HS256 tokens for development and tests. A production issuer holds its keys elsewhere.
public struct TokenMint {
    private let key: HMACSHA256
    private let issuer: String
    private let audience: String

    /// - Throws: where the secret has fewer than 32 bytes.
    public init(secret: SymmetricKey, issuer: String, audience: String) throws(KeySetError) {
        guard secret.byteCount >= VerificationKey.minimumSecretLength else {
            throw KeySetError("an HS256 secret needs at least \(VerificationKey.minimumSecretLength) bytes")
        }
        do { key = try secret.withBytes { key throws(CryptographyError) in try HMACSHA256(key: key) } } catch {
            throw KeySetError("\(error)")
        }
        self.issuer = issuer
        self.audience = audience
    }

    public func token(user: ULID, roles: [String], issuedAt: UnixTime, lifetime: Duration) -> String {
        var claims = JSONText()
        claims.append("{\"iss\":")
        claims.append(quoted: issuer)
        claims.append(",\"aud\":")
        claims.append(quoted: audience)
        claims.append(",\"sub\":")
        claims.append(quoted: user.description)
        claims.append(",\"iat\":")
        claims.append(issuedAt.seconds)
        claims.append(",\"exp\":")
        claims.append(issuedAt.adding(lifetime).seconds)
        claims.append(",\"roles\":[")
        for (index, role) in roles.enumerated() {
            if index > 0 { claims.append(",") }
            claims.append(quoted: role)
        }
        claims.append("]}")
        let signingInput = Base64URL.encode(#"{"alg":"HS256","typ":"JWT"}"#.utf8) + "." + Base64URL.encode(claims.bytes)
        let signature = key.authenticationCode(for: signingInput.utf8.span)
        return signingInput + "." + Base64URL.encode(signature.bytes)
    }
}
