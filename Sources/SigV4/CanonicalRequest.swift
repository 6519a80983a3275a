/// Task 1 of "Create a signed AWS API request" (AWS General Reference, Signature Version 4).
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
