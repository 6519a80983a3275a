import HTTPClient
import StreamIssuing

/// The meaning of the store's answers ("Error responses" of the S3 API; a HEAD has the status alone).
enum S3Answer {
    /// Returns if the object is there.
    static func checkObject(_ status: Int) throws(Unavailable) {
        switch status {
        case 200: return
        case 404: throw Unavailable(.objectStore, code: "missing_object", reason: "the track's object is not in the bucket")
        default: throw refused(status)
        }
    }

    /// Returns if the bucket is there.
    static func checkBucket(_ status: Int) throws(Unavailable) {
        switch status {
        case 200: return
        case 404: throw Unavailable(.objectStore, code: "missing_bucket", reason: "there is no such bucket")
        default: throw refused(status)
        }
    }

    static func noAnswer(_ error: HTTPError) -> Unavailable {
        Unavailable(.objectStore, code: error.code, reason: "\(error)")
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
