import OperatorSettings
import SigV4
import StreamIssuing

/// What an operator reads of a fault: the cause, and the setting that is to be changed.
struct FaultText {
    enum Side: Sendable {
        /// The service's own calls.
        case own
        /// The URLs for players.
        case players
    }

    let settings: S3Settings
    let side: Side
    let offset: ClockOffset?

    func unavailable(_ fault: StoreFault) -> Unavailable {
        Unavailable(.objectStore, code: code(fault), reason: reason(fault))
    }

    private func code(_ fault: StoreFault) -> String {
        switch fault {
        case .missingObject: "missing_object"
        case .accessDenied: "access_denied"
        case .missingBucket: "missing_bucket"
        case .wrongAddressing: "wrong_addressing"
        case .wrongRegion: "wrong_region"
        case .wrongEndpoint: "wrong_endpoint"
        case .unknownKeyID: "unknown_key_id"
        case .signatureMismatch: "signature_mismatch"
        case .unknownSessionToken: "unknown_session_token"
        case .expiredCredentials: "credentials_expired"
        case .wrongTime: "wrong_time"
        case .foreignAnswer(let status), .other(let status, _): "http_\(status)"
        }
    }

    private var endpoint: String {
        side == .own ? S3Setting.endpoint.name : S3Setting.publicEndpoint.name
    }

    private func reason(_ fault: StoreFault) -> String {
        switch fault {
        case .missingObject: "the object is not in the bucket"
        case .accessDenied:
            "these credentials may not read the object, or it is not there; allow them s3:GetObject on arn:aws:s3:::\(settings.bucket)/*"
        case .missingBucket:
            "there is no bucket of the name in NOVATUNE_S3_BUCKET; is it right, and is \(endpoint) the store that has it?"
        case .wrongAddressing: wrongAddressing
        case .wrongRegion(let region?): "the store expects another region; set NOVATUNE_S3_REGION=\(region)"
        case .wrongRegion(nil): "the store refuses the region; is NOVATUNE_S3_REGION right?"
        case .wrongEndpoint(let region?):
            "the bucket is in the region \(region); set NOVATUNE_S3_REGION, and \(endpoint) to an endpoint of that region"
        case .wrongEndpoint(nil): "the store redirects to another endpoint; is \(endpoint) right?"
        case .unknownKeyID:
            "the store does not know the access key id; is NOVATUNE_S3_ACCESS_KEY_ID (or the id in NOVATUNE_S3_CREDENTIALS) of this store?"
        case .signatureMismatch: signatureMismatch
        case .unknownSessionToken:
            "the store does not accept the session token; is NOVATUNE_S3_SESSION_TOKEN (or the one in NOVATUNE_S3_CREDENTIALS) complete, and of this id?"
        case .expiredCredentials: "the store says that the credentials have expired; replace them"
        case .wrongTime: wrongTime
        case .foreignAnswer(let status):
            "the answer \(status) is not of an S3 store; does \(endpoint) lead to one, with its path if it has one?"
        case .other(let status, let code): "the store answered \(status)" + (code.map { " (\($0))" } ?? "")
        }
    }

    private var wrongAddressing: String {
        switch settings.addressing {
        case .virtual:
            "the store does not find the bucket in the host's name; set NOVATUNE_S3_ADDRESSING=path, or let the store know its domain"
        case .path:
            "the store does not find the bucket in the path; does the host of \(endpoint) name the bucket already? Leave it out there, or set NOVATUNE_S3_ADDRESSING=virtual"
        }
    }

    private var signatureMismatch: String {
        let path = (side == .own ? settings.endpoint : settings.publicEndpoint).path
        let removed =
            path.isEmpty || settings.pathHandling == .removed
            ? "" : "; where it removes the path \(path), set NOVATUNE_S3_ENDPOINT_PATH=removed"
        return switch side {
        case .own:
            "the signature does not match: NOVATUNE_S3_SECRET_ACCESS_KEY does not belong to the id, or a proxy in front of \(endpoint) changes Host or the path\(removed)"
        case .players:
            "the signature does not match: a proxy in front of \(endpoint) changes Host or the path, which are signed; let it pass Host on unchanged (nginx: proxy_set_header Host $http_host)\(removed)"
        }
    }

    private var wrongTime: String {
        let difference =
            switch offset {
            case let offset? where offset.seconds != 0: "this machine's clock is \(offset.description)"
            default: "this machine's clock and the store's differ"
            }
        return "the store refuses the time of the signature: \(difference); synchronise it (NTP)"
    }
}
