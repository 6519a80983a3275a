/// An answer other than 200, as problem details (RFC 9457). Nothing in it is secret.
public struct Problem: Error, Sendable, Equatable {
    /// The rows of the contract's error table, and the errors that HTTP itself requires.
    public struct Kind: Sendable, Equatable {
        /// HTTP status code (RFC 9110 §15).
        public let status: Int
        /// Last segment of the `type` URI.
        public let slug: String
        public let title: String

        public static let unauthorized = Kind(status: 401, slug: "unauthorized", title: "Authentication required")
        public static let forbidden = Kind(status: 403, slug: "forbidden", title: "Access denied")
        public static let rateLimitExceeded = Kind(
            status: 429, slug: "rate-limit-exceeded", title: "Rate limit exceeded")
        public static let invalidTrackID = Kind(status: 400, slug: "invalid-track-id", title: "Invalid track ID")
        public static let trackNotFound = Kind(status: 404, slug: "track-not-found", title: "Track not found")
        public static let trackNotReady = Kind(
            status: 409, slug: "track-not-ready", title: "Track not ready for streaming")
        public static let waveformNotFound = Kind(status: 404, slug: "waveform-not-found", title: "Waveform not found")
        public static let serviceUnavailable = Kind(
            status: 503, slug: "service-unavailable", title: "Service unavailable")
        public static let notFound = Kind(status: 404, slug: "not-found", title: "Not found")
        public static let methodNotAllowed = Kind(status: 405, slug: "method-not-allowed", title: "Method not allowed")
        public static let contentTooLarge = Kind(status: 413, slug: "content-too-large", title: "Content too large")

        /// For the log and the metrics only: no client receives it. nginx logs the same number.
        public static let clientGone = Kind(status: 499, slug: "client-gone", title: "Client gone")

        /// All that are sent.
        public static let all = [
            unauthorized, forbidden, rateLimitExceeded, invalidTrackID, trackNotFound, trackNotReady,
            waveformNotFound, serviceUnavailable, notFound, methodNotAllowed, contentTooLarge,
        ]
    }

    /// What the `WWW-Authenticate` header of a 401 says (RFC 6750 §3).
    public enum Challenge: Sendable, Equatable {
        /// The client sent no token: the challenge names no error.
        case noToken
        case invalidToken
    }

    /// What a 409 says beside its detail.
    public struct BlockedTrack: Sendable, Equatable {
        public let id: ULID
        public let status: TrackStatus
    }

    public let kind: Kind
    public let detail: String
    public var challenge: Challenge? {
        kind == .unauthorized ? (rejection == .missing ? .noToken : .invalidToken) : nil
    }
    /// For a 401 and for a 403 of the token's role: why, for the operator's log and metrics. Never part of the answer.
    public private(set) var rejection: TokenRejection?
    public private(set) var blockedTrack: BlockedTrack?
    /// For a 403 about a track: its owner, for the operator's log. Never part of the answer.
    public private(set) var ownerID: ULID?
    /// For a 503: the dependency that failed and why, for the operator's log. Never part of the answer.
    public private(set) var cause: Unavailable?

    /// `Retry-After` in seconds (RFC 9110 §10.2.3).
    public private(set) var retryAfterSeconds: Int?

    private init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

extension Problem {
    public static func unauthorized(_ rejection: TokenRejection) -> Problem {
        var problem = Problem(.unauthorized, "A valid bearer token is required.")
        problem.rejection = rejection
        return problem
    }

    public static let forbidden = Problem(.forbidden, "You do not have access to this resource.")
    /// The token does not name the listener's role.
    public static var roleMissing: Problem {
        var problem = forbidden
        problem.rejection = .noRole
        return problem
    }
    /// The same answer, whatever the reason: a client never learns who owns a track.
    public static func accessDenied(owner: ULID) -> Problem {
        var problem = forbidden
        problem.ownerID = owner
        return problem
    }

    /// In the words of nginx, which sends the same answer.
    public static func rateLimitExceeded(_ limit: RateLimit) -> Problem {
        var problem = Problem(.rateLimitExceeded, "The allowance of \(limit.perMinute) requests a minute is used up.")
        problem.retryAfterSeconds = limit.retryAfterSeconds
        return problem
    }

    public static let invalidTrackID = Problem(.invalidTrackID, "The track ID is not a ULID of 26 characters.")
    public static let trackNotFound = Problem(.trackNotFound, "There is no track with this ID.")
    public static let waveformNotFound = Problem(.waveformNotFound, "This track has no waveform.")
    public static let notFound = Problem(.notFound, "There is nothing at this path.")
    public static let methodNotAllowed = Problem(.methodNotAllowed, "Only POST is allowed here.")
    public static let contentTooLarge = Problem(.contentTooLarge, "The request body is larger than 16384 bytes.")

    public static func trackNotReady(_ id: ULID, _ status: TrackStatus) -> Problem {
        let advice =
            switch status {
            case .processing: "Please wait until processing completes."
            case .failed: "Its processing did not succeed."
            default: "It cannot be streamed."
            }
        var problem = Problem(.trackNotReady, "Track is currently \(status.rawValue). \(advice)")
        problem.blockedTrack = BlockedTrack(id: id, status: status)
        return problem
    }

    /// The client has closed its connection before the answer.
    public static let clientGone = Problem(.clientGone, "The client closed the connection before its answer.")

    /// The request has waited so long that answering it in full would make the next ones wait as long.
    public static var overloaded: Problem {
        var problem = Problem(
            .serviceUnavailable, "The service has more requests than it can answer. Try again in a moment.")
        problem.retryAfterSeconds = 1
        return problem
    }

    public static func serviceUnavailable(_ cause: Unavailable) -> Problem {
        var problem = Problem(.serviceUnavailable, "The service cannot answer right now. Try again later.")
        problem.retryAfterSeconds = cause.retryAfterSeconds
        problem.cause = cause
        return problem
    }
}
