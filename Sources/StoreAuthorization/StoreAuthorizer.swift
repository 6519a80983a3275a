import SigV4
import StreamIssuing

/// Decides on a store's questions: the signer reads the audio, other accounts do what the operator lists, and nothing
/// else is allowed. A pure value.
public struct StoreAuthorizer: Sendable {
    /// Accounts that sign players' URLs: RGW's user id, `tenant$user` with a tenant, or MinIO's access key.
    public let signers: Set<String>
    public let rules: [AccountRule]
    /// `tenant:bucket` for one of another tenant than the signer's.
    public let bucket: String
    /// How long URLs live. One that says more outlives the list's entries.
    public let expiry: Duration

    public init(signers: Set<String>, rules: [AccountRule], bucket: String, expiry: Duration) {
        self.signers = signers
        self.rules = rules
        self.bucket = bucket
        self.expiry = expiry
    }

    public enum Outcome: String, Sendable, CaseIterable {
        case allowedUser = "allowed_user"
        /// The responder's own look-up of an object.
        case allowedLookup = "allowed_lookup"
        case allowedAccount = "allowed_account"
        /// A browser's question for the audio bucket's CORS rules, which no account signs. It reads nothing.
        case allowedPreflight = "allowed_preflight"
        case sessionsEnded = "sessions_ended"
        case accessEnded = "access_ended"
        /// `novatune-streamd revoke` has tagged it.
        case revokedObject = "revoked_object"
        /// A URL that does not say whom it was issued to, or not in a way that is known.
        case unmarked
        /// By a key that is not in the ring.
        case unknownKey = "unknown_key"
        /// The URL lives longer than the list remembers.
        case longLived = "long_lived"
        /// The list is older than its limit, or nothing is recorded in it.
        case stale
        /// The signer may only read the bucket's objects.
        case notRead = "not_read"
        case notListed = "not_listed"
        /// Not a question of a store that is known.
        case malformed
        /// Not all of it came within the time limit.
        case late

        public var isAllowed: Bool {
            switch self {
            case .allowedUser, .allowedLookup, .allowedAccount, .allowedPreflight: true
            default: false
            }
        }
    }

    /// What MinIO asks for each GET and each HEAD of an object.
    private static let readActions = ["s3:GetObject", "s3:GetObjectRetention", "s3:GetObjectLegalHold"]
    private static let contentType = "response-content-type"
    /// By which MinIO hands on the tag that its policies would deny by. Ceph's own policies do so beside the webhook.
    private static let revocationCondition = "ExistingObjectTag/\(RevocationTag.name)"

    /// - Parameter refused: nil where it is too old.
    public func decide(_ question: StoreQuestion, _ refused: RefusedUsers?) -> Outcome {
        if question.action == .method("OPTIONS"), signers.contains(where: { question.bucket == audioBucket(of: $0) }) {
            return .allowedPreflight
        }
        guard signers.contains(question.account) else {
            return rules.contains { $0.allows(question, audioBucket: bucket) } ? .allowedAccount : .notListed
        }
        guard !question.object.isEmpty else { return .notRead }
        let isLookup: Bool
        switch question.action {
        case .policy(let action):
            guard question.bucket == bucket, Self.readActions.contains(action) else { return .notRead }
            if question.parameters[Self.revocationCondition]?.contains(RevocationTag.value) == true {
                return .revokedObject
            }
            // Its method is unknown. A player's URL has a content type, which its signature covers.
            isLookup = question.parameters[Self.contentType] == nil
        case .method(let method):
            // What the responder does not sign, such as a sub-resource, is no read of an object.
            guard question.bucket == audioBucket(of: question.account), method == "GET" || method == "HEAD",
                question.parameters.keys.allSatisfy(Self.isSigned)
            else { return .notRead }
            isLookup = method == "HEAD"
        }
        guard let marks = question.parameters[UserMark.parameter] else { return isLookup ? .allowedLookup : .unmarked }
        guard marks.count == 1, let mark = UserMark(marks[0]) else { return .unmarked }
        return decide(mark, question, refused)
    }

    private func decide(_ mark: UserMark, _ question: StoreQuestion, _ refused: RefusedUsers?) -> Outcome {
        guard let refused else { return .stale }
        let limits = question.parameters["X-Amz-Expires"] ?? []
        guard !limits.isEmpty, limits.allSatisfy({ Int64($0).map { $0 <= expiry.components.seconds } ?? false }) else {
            return .longLived
        }
        return switch refused.standing(mark, object: question.object) {
        case .known: .allowedUser
        case .unknownKey: .unknownKey
        case .refusedSessions: .sessionsEnded
        case .refusedObject: .accessEnded
        }
    }

    private static func isSigned(_ name: String) -> Bool {
        name == UserMark.parameter || name == contentType || name.hasPrefix("X-Amz-")
    }

    /// As RGW names it: a bucket without a tenant is one of the signer's own tenant.
    private func audioBucket(of signer: String) -> String {
        guard !bucket.contains(":"), let dollar = signer.firstIndex(of: "$"), dollar != signer.startIndex else {
            return bucket
        }
        return "\(signer[..<dollar]):\(bucket)"
    }
}
