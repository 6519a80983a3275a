import Cryptography
import HTTPClient
import KeyManagement
import Resilience
import S3ObjectStore
import SigV4

/// Credentials that the environment of the process gives, by a service of AWS's protocols.
struct CredentialsService {
    /// It names no value that the service gave.
    struct Failure: Error, CustomStringConvertible {
        let description: String
        /// Whether the same call may succeed later.
        var isTemporary = false
    }

    /// `AWS_…`, as AWS's SDKs read them ("Settings reference", AWS SDKs and Tools Reference Guide).
    let variables: [String: String]
    /// Of STS, where no endpoint is set.
    let region: String
    /// A start waits for it, which also has to wait for key services.
    private let deadline = Deadline(after: .seconds(4))
    private let client = HTTPClient()

    private static let answerLimit = 65_536

    func credentials(_ origin: CredentialsOrigin) throws(Failure) -> Credentials? {
        switch origin {
        case .settings: nil
        case .container: try container()
        case .instance: try instance()
        case .webIdentity: try webIdentity()
        }
    }

    private func container() throws(Failure) -> Credentials {
        var headers: [(name: String, value: String)] = []
        if let path = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
            headers = [("Authorization", try file(path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"))]
        } else if let token = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN") {
            headers = [("Authorization", token)]
        }
        guard headers.allSatisfy({ !$0.value.contains(where: \.isNewline) }) else {
            throw Failure(description: "the container's authorization token has a line break within it")
        }
        let url = try ContainerEndpoint.url(variables)
        let body = try answer("the container's endpoint") { () throws(HTTPError) in
            try client.get(url, headers: headers, timeout: deadline.remaining, responseLimit: Self.answerLimit)
        }
        return try document(body)
    }

    /// "Use IMDSv2" (Amazon EC2 User Guide): a session token first.
    private func instance() throws(Failure) -> Credentials {
        let endpoint = try serviceEndpoint("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://169.254.169.254")
        let name = "the instance's metadata service"
        let token = try answer(name) { () throws(HTTPError) in
            try client.put(
                endpoint + "latest/api/token", headers: [("X-aws-ec2-metadata-token-ttl-seconds", "60")],
                timeout: deadline.remaining, responseLimit: Self.answerLimit)
        }
        let headers: [(name: String, value: String)] = [
            ("X-aws-ec2-metadata-token", String(decoding: token, as: UTF8.self))
        ]
        func get(_ path: String) throws(Failure) -> [UInt8] {
            try answer(name) { () throws(HTTPError) in
                try client.get(
                    endpoint + "latest/meta-data/iam/security-credentials/" + path, headers: headers,
                    timeout: deadline.remaining, responseLimit: Self.answerLimit)
            }
        }
        let roles = String(decoding: try get(""), as: UTF8.self).split(whereSeparator: \.isNewline)
        guard let role = roles.first else { throw Failure(description: "the instance has no role") }
        return try document(try get(URIEncoding.encode(String(role))))
    }

    /// "AssumeRoleWithWebIdentity" (AWS Security Token Service API Reference): the call is not signed.
    private func webIdentity() throws(Failure) -> Credentials {
        guard let role = variable("AWS_ROLE_ARN"), let path = variable("AWS_WEB_IDENTITY_TOKEN_FILE") else {
            throw Failure(description: "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE are required")
        }
        let token = try file(path, "AWS_WEB_IDENTITY_TOKEN_FILE")
        let endpoint = try serviceEndpoint("AWS_ENDPOINT_URL_STS", "https://sts.\(region).amazonaws.com")
        let session = variable("AWS_ROLE_SESSION_NAME") ?? "novatune-stream"
        let form = WebIdentityCall.form(role: role, session: session, token: token)
        let body = try answer("STS") { () throws(HTTPError) in
            try client.post(
                endpoint, headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array(form.utf8),
                timeout: deadline.remaining, responseLimit: Self.answerLimit)
        }
        guard let credentials = WebIdentityCall.credentials(body) else {
            throw Failure(description: "STS answered without credentials", isTemporary: true)
        }
        return credentials
    }

    private func variable(_ name: String) -> String? { variables[name].flatMap { $0.isEmpty ? nil : $0 } }

    /// With a slash at its end.
    private func serviceEndpoint(_ name: String, _ fallback: String) throws(Failure) -> String {
        guard let endpoint = Endpoint(withPath: variable(name) ?? fallback) else {
            throw Failure(description: "\(name) is not http://host[:port] or https://host[:port]")
        }
        return endpoint.url
    }

    /// Without the line break at its end.
    private func file(_ path: String, _ name: String) throws(Failure) -> String {
        do {
            var bytes = try SecretFile.read(path)
            defer { bytes.wipe() }
            return String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).joined(separator: "\n")
        } catch {
            throw Failure(description: "\(name): \(error)")
        }
    }

    private func document(_ body: [UInt8]) throws(Failure) -> Credentials {
        do { return try CredentialsDocument(json: body).credentials } catch { throw Failure(description: "\(error)") }
    }

    /// The body of an answer 200; a call that failed, or that the service failed, is made once more.
    private func answer(_ name: String, _ call: () throws(HTTPError) -> HTTPResponse) throws(Failure) -> [UInt8] {
        var failure = Failure(description: "\(name) does not answer", isTemporary: true)
        for _ in 1...2 where !deadline.isPast {
            do {
                let response = try call()
                if response.status == 200 { return response.body }
                failure = Failure(
                    description: "\(name) answered \(response.status)",
                    isTemporary: response.status >= 500 || response.status == 429)
                guard failure.isTemporary else { break }
            } catch {
                failure = Failure(description: "\(name): \(error)", isTemporary: true)
            }
        }
        throw failure
    }
}
