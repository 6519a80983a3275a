import HTTPClient
import SigV4
import StreamIssuing

/// The meaning of the store's answers ("Error responses" of the S3 API; a HEAD has the status alone).
enum S3Answer {
    /// Returns if the object is there.
    static func checkObject(_ status: Int) throws(Unavailable) {
        switch status {
        case 200: return
        case 404:
            throw Unavailable(.objectStore, code: "missing_object", reason: "the track's object is not in the bucket")
        default: throw refused(status)
        }
    }

    /// - Parameter status: 400 or 403.
    static func refusedObject(_ status: Int, _ cause: AccessHistory.Cause) -> Unavailable {
        switch cause {
        case .object where status == 400:
            Unavailable(
                .objectStore, code: "invalid_object",
                reason: "the store answers 400 for this object, and gives others; it may not take such a key")
        case .object:
            Unavailable(
                .objectStore, code: "refused_object",
                reason: "the store refuses this object (403), and gives others: it is still revoked (tag "
                    + "\(RevocationTag.name)), or it is not there, where these credentials may not list the bucket, or its "
                    + "encryption or storage class, or a policy, forbid it"
            )
        case .settings(let reason): Unavailable(.objectStore, code: "http_\(status)", reason: reason)
        case .permission:
            Unavailable(
                .objectStore, code: "http_\(status)",
                reason: "the store answered \(status), and has given no object so far; "
                    + "may these credentials read the objects (s3:GetObject)? novatune-streamd check tries one")
        case .manyObjects:
            Unavailable(
                .objectStore, code: "http_\(status)",
                reason:
                    "the store answered \(status) for one object after the other, and takes the signature: are they "
                    + "still revoked (tag \(RevocationTag.name)), or has s3:GetObject been withdrawn?")
        case .unknown: refused(status)
        }
    }

    /// - Parameter addressing: where the caller looks for the cause.
    static func noAnswer(_ error: HTTPError, _ addressing: Endpoint.Addressing? = nil) -> Unavailable {
        let isOfName = addressing == .virtual && ["connect", "tls"].contains(error.code)
        let advice = "; NOVATUNE_S3_ADDRESSING=virtual puts the bucket into the host's name, path does not"
        return Unavailable(.objectStore, code: error.code, reason: "\(error)\(isOfName ? advice : "")")
    }

    private static func refused(_ status: Int) -> Unavailable {
        let reason =
            switch status {
            case 403: "the store answered 403; are key, secret, region and clock right?"
            case 301, 307, 400: "the store answered \(status); are region, endpoint and addressing right?"
            default: "the store answered \(status)"
            }
        return Unavailable(.objectStore, code: "http_\(status)", reason: reason)
    }
}
