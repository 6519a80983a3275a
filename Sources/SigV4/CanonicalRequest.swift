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
