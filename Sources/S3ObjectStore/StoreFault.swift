import SigV4
import StreamIssuing

/// Why a store refuses a GET, as its answer shows.
enum StoreFault: Equatable {
    case missingObject
    /// Also the answer for a missing object where these credentials may not list the bucket.
    case accessDenied
    case missingBucket
    /// The store looks for bucket or key in another part of the URL.
    case wrongAddressing
    case wrongRegion(expected: String?)
    /// The store redirects to another endpoint.
    case wrongEndpoint(region: String?)
    case unknownKeyID
    case signatureMismatch
    case unknownSessionToken
    case expiredCredentials
    case wrongTime
    /// Not the answer of an S3 store.
    case foreignAnswer(status: Int)
    case other(status: Int, code: String?)
}

extension StoreFault {
    /// The longest time that AWS lets a signature's time be ahead of its clock.
    private static let longestLead: Duration = .seconds(900)

    /// Nil where the store gave the object, or a part of it; an empty object has no part to give (416).
    /// - Parameter request: what was asked.
    init?(_ status: Int, _ body: S3ErrorBody, _ offset: ClockOffset?, _ request: ObjectRequest) {
        switch (status, body.code) {
        case (200, _), (206, _), (416, _): return nil
        case (_, _) where body.isAboutTime: self = .wrongTime
        case (404, "NoSuchKey"): self = request.isSplitOtherwise(body) ? .wrongAddressing : .missingObject
        case (404, "NoSuchBucket") where request.isAnother(body.bucket) ?? (request.addressing == .virtual):
            self = .wrongAddressing
        case (404, "NoSuchBucket"): self = .missingBucket
        case (405, _) where request.addressing == .virtual: self = .wrongAddressing
        case (400, "InvalidBucketName"):
            self = request.addressing == .virtual ? .wrongAddressing : .missingBucket
        case (400, "AuthorizationHeaderMalformed"), (400, "AuthorizationQueryParametersError"),
            (400, "IllegalLocationConstraintException"), (400, "InvalidRegion"), (403, "InvalidRegion"):
            self = .wrongRegion(expected: body.region)
        case (301, .some), (307, .some): self = .wrongEndpoint(region: body.region)
        case (_, "InvalidAccessKeyId"): self = .unknownKeyID
        case (_, "SignatureDoesNotMatch"): self = .signatureMismatch
        case (_, "InvalidToken"), (_, "InvalidSecurity"): self = .unknownSessionToken
        case (_, "ExpiredToken"), (_, "TokenRefreshRequired"): self = .expiredCredentials
        case (403, "AccessDenied"): self = Self.isOutOfTime(offset, request.expiry) ? .wrongTime : .accessDenied
        case (500..., _), (429, _): self = .other(status: status, code: body.code)
        case (_, nil): self = .foreignAnswer(status: status)
        default: self = .other(status: status, code: body.code)
        }
    }

    /// Some stores name no reason for a signature that is over, or not valid yet.
    private static func isOutOfTime(_ offset: ClockOffset?, _ expiry: Duration) -> Bool {
        guard let offset else { return false }
        let ahead = Duration.seconds(offset.seconds)
        return ahead > longestLead || .zero - ahead >= expiry
    }

    /// Whether the settings, the credentials or the clock are at fault, and not a store that is busy or broken.
    var isOfSettings: Bool {
        switch self {
        case .missingObject, .accessDenied: false
        case .other(let status, _), .foreignAnswer(let status): status < 500 && status != 429
        default: true
        }
    }
}

/// A signed GET of an object, as far as an answer to it must be understood.
struct ObjectRequest {
    let key: String
    let bucket: String
    let addressing: Endpoint.Addressing
    let expiry: Duration

    /// Whether a bucket that an error names is not the one that was asked; nil where it names none. Errors leave a tenant
    /// out.
    func isAnother(_ name: String?) -> Bool? { name.map { $0 != bucket.split(separator: ":").last ?? "" } }

    /// Whether the store took the bucket for a part of the key, or a part of the key for the bucket.
    func isSplitOtherwise(_ body: S3ErrorBody) -> Bool {
        body.key == "\(bucket)/\(key)" || isAnother(body.bucket) == true && key.hasPrefix("\(body.bucket ?? "")/")
    }
}
