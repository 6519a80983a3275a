import SigV4
import StreamIssuing

/// A call of AssumeRoleWithWebIdentity (AWS Security Token Service API Reference, version 2011-06-15).
enum WebIdentityCall {
    static func form(role: String, session: String, token: String) -> String {
        let parameters = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
            ("RoleSessionName", session), ("WebIdentityToken", token),
        ]
        return parameters.map { "\($0.0)=\(URIEncoding.encode($0.1))" }.joined(separator: "&")
    }

    /// Nil where the answer is not as documented.
    static func credentials(_ answer: [UInt8]) -> Credentials? {
        let text = String(decoding: answer, as: UTF8.self)
        func element(_ name: String) -> String? {
            guard let start = text.firstRange(of: "<\(name)>"),
                let end = text[start.upperBound...].firstRange(of: "</\(name)>")
            else { return nil }
            return String(text[start.upperBound..<end.lowerBound])
        }
        guard let id = element("AccessKeyId"), let secret = element("SecretAccessKey"),
            let token = element("SessionToken"), let expiration = element("Expiration").flatMap(UnixTime.init(rfc3339:))
        else { return nil }
        return Credentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: token.isEmpty ? nil : token, expiration: expiration)
    }
}
