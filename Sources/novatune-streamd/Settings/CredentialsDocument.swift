import SigV4
import StreamIssuing
import StrictJSON

/// Credentials and their expiration, as programs print them for AWS's tools ("Sourcing credentials with an external process", AWS SDKs
/// Reference Guide): in one file, so that no reader combines the id of one pair with the secret of another.
struct CredentialsDocument {
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    let credentials: Credentials

    init(json text: [UInt8]) throws(Invalid) {
        let root: JSONValue
        do { root = try JSONReader.read(text) } catch { throw Invalid(description: "not JSON: \(error)") }
        guard let object = root.objectValue else { throw Invalid(description: "not a JSON object") }
        guard object["Version"] == .integer(1) else { throw Invalid(description: "\"Version\" is not 1") }
        func member(_ name: String) throws(Invalid) -> String {
            guard let text = object[name]?.stringValue, !text.isEmpty else { throw Invalid(description: "no \"\(name)\"") }
            return text
        }
        let (id, secret) = (try member("AccessKeyId"), try member("SecretAccessKey"))
        let token = object["SessionToken"] == nil ? nil : try member("SessionToken")
        var expiration: UnixTime?
        if object["Expiration"] != nil {
            guard let time = UnixTime(rfc3339: try member("Expiration")) else {
                throw Invalid(description: "\"Expiration\" is not a time such as 2026-01-08T12:32:00Z")
            }
            expiration = time
        }
        credentials = Credentials(accessKeyID: id, secretAccessKey: secret, sessionToken: token, expiration: expiration)
    }
}
