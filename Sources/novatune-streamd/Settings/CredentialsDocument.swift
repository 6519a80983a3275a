import SigV4
import StreamIssuing
import StrictJSON

/// Credentials and their expiration in one text, so that no reader combines the id of one pair with the secret of
/// another. AWS's tools and services write them in several forms:
/// - JSON of a credential process ("Sourcing credentials with an external process", AWS SDKs Reference Guide), of the
///   instance metadata and container services (`Token`), and of STS (in a member `Credentials`);
/// - a profile of a file `~/.aws/credentials`.
struct CredentialsDocument {
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    let credentials: Credentials

    init(_ text: String) throws(Invalid) {
        if CredentialsProfile.isFile(text) {
            try self.init(try CredentialsProfile(text))
        } else {
            try self.init(json: Array(text.utf8))
        }
    }

    init(json text: [UInt8]) throws(Invalid) {
        let root: JSONValue
        do { root = try JSONReader.read(text) } catch { throw Invalid(description: "not JSON: \(error)") }
        guard let document = root.objectValue else { throw Invalid(description: "not a JSON object") }
        let object = document["Credentials"]?.objectValue ?? document
        if let version = object["Version"], version != .integer(1) {
            throw Invalid(description: "\"Version\" is not 1")
        }
        if let code = object["Code"], code.stringValue != "Success" {
            throw Invalid(description: "\"Code\" is not \"Success\": the metadata service had no credentials")
        }
        func member(_ name: String) throws(Invalid) -> String? {
            guard let value = object[name], value != .null else { return nil }
            guard let text = value.stringValue else { throw Invalid(description: "\"\(name)\" is not a string") }
            return text.isEmpty ? nil : text
        }
        func required(_ name: String) throws(Invalid) -> String {
            guard let text = try member(name) else { throw Invalid(description: "no \"\(name)\"") }
            return text
        }
        let (id, secret) = (try required("AccessKeyId"), try required("SecretAccessKey"))
        let sessionToken = try member("SessionToken")
        let token = sessionToken == nil ? try member("Token") : sessionToken
        credentials = Credentials(
            accessKeyID: id, secretAccessKey: secret, sessionToken: token,
            expiration: try Self.time(try member("Expiration"), "\"Expiration\""))
    }

    private init(_ profile: CredentialsProfile) throws(Invalid) {
        credentials = Credentials(
            accessKeyID: try profile.required("aws_access_key_id"),
            secretAccessKey: try profile.required("aws_secret_access_key"), sessionToken: profile["aws_session_token"],
            expiration: try Self.time(profile["aws_expiration"], "aws_expiration"))
    }

    private static func time(_ text: String?, _ name: String) throws(Invalid) -> UnixTime? {
        guard let text else { return nil }
        guard let time = UnixTime(rfc3339: text) else {
            throw Invalid(description: "\(name) is not a time such as 2026-01-08T12:32:00Z")
        }
        return time
    }
}
