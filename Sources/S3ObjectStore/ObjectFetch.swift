import HTTPClient
import StreamIssuing

/// The answer to a GET of an object's first two bytes.
struct ObjectFetch {
    /// Longer than an error document, and than a range of two bytes.
    private static let limit = 65_536

    let response: HTTPResponse
    let clockOffset: ClockOffset?

    /// - Parameters:
    ///   - url: signed for GET.
    ///   - origin: of a web page that would read the object.
    static func fetch(
        _ url: String, _ client: HTTPClient, _ clock: any WallClock, origin: String? = nil, timeout: Duration
    ) throws(HTTPError) -> ObjectFetch {
        var headers: [(name: String, value: String)] = [("Range", "bytes=0-1")]
        if let origin { headers.append(("Origin", origin)) }
        let sent = clock.now
        let response = try client.get(
            url, headers: headers, timeout: timeout, responseLimit: limit,
            reading: ["date", S3ErrorBody.regionHeader], lists: [allowOrigin, exposeHeaders])
        return ObjectFetch(
            response: response,
            clockOffset: ClockOffset(date: response.headers["date"], sent: sent, received: clock.now))
    }

    private static let allowOrigin = "access-control-allow-origin"
    private static let exposeHeaders = "access-control-expose-headers"

    func fault(of request: ObjectRequest) -> StoreFault? {
        StoreFault(response.status, S3ErrorBody(response), clockOffset, request)
    }

    /// Nil where a page of this origin may read the answer.
    func corsFault(_ origin: String) -> CORSFault? {
        CORSFault(
            origin: origin, allowOrigin: response.headers[Self.allowOrigin],
            exposeHeaders: response.headers[Self.exposeHeaders])
    }
}
