import HTTPClient
import StrictJSON

/// The meaning of an AWS KMS answer that holds no key (API Reference: "Common errors", and those of `Decrypt`). Its
/// `message` is not shown: it quotes the request.
struct KMSRefusal {
    /// The text follows "AWS KMS".
    let reason: String
    /// Whether the same request may succeed in a moment.
    let isWorthRepeating: Bool
    /// Whether it may succeed later although nothing is changed.
    let isTemporary: Bool

    init(_ error: HTTPError) {
        reason = "does not answer: \(error) (\(error.code))"
        isWorthRepeating = error.code != "tls" && error.code != "timeout"
        isTemporary = true
    }

    init(_ response: HTTPResponse) {
        let object = (try? JSONReader.read(response.body))?.objectValue
        // `namespace#Name` in some answers.
        let type = object?["__type"]?.stringValue?.split(separator: "#").last.map { String($0) } ?? ""
        let message = (object?["message"] ?? object?["Message"])?.stringValue ?? ""
        self.init(type, message, status: response.status)
    }

    private init(_ type: String, _ message: String, status: Int) {
        switch type {
        case "ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded":
            self.init("is throttling; fewer restarts at the same time, or a higher quota", retry: true)
        case "AccessDeniedException":
            self.init(
                "denies access; the credentials need kms:Decrypt (and kms:Encrypt to wrap) on this key, with this encryption context"
            )
        case "InvalidCiphertextException", "IncorrectKeyException":
            self.init(
                "cannot unwrap it; it was wrapped by another key, for another version (encryption context), or damaged")
        case "NotFoundException": self.init("has no such key; are NOVATUNE_KMS_KEY_ID, region and endpoint right?")
        case "DisabledException", "KMSInvalidStateException":
            self.init("says that the key is disabled or about to be deleted")
        case "ExpiredTokenException", "ExpiredToken":
            self.init("says that the credentials have expired", temporary: true)
        case "UnrecognizedClientException", "InvalidClientTokenId", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException":
            self.init("does not know the credentials")
        case "InvalidSignatureException" where Self.speaksOfTime(message), "RequestExpired", "RequestTimeTooSkewed":
            self.init("says that the request's time is off; is this machine's clock right?", temporary: true)
        case "InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature",
            "IncompleteSignatureException":
            self.init("refuses the signature; are secret key and region right?")
        case "KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException", "InternalFailure",
            "ServiceUnavailable",
            "ServiceUnavailableException":
            self.init("fails for the moment", retry: true)
        case "" where status == 401 || status == 403:
            self.init("answered \(status); are credentials, secret key, region and the key's policy right?")
        default:
            let shown = Self.isName(type) ? " (\(type))" : ""
            self.init("answered \(status)\(shown)", retry: status >= 500 || status == 429)
        }
    }

    private init(_ reason: String, retry: Bool = false, temporary: Bool = false) {
        self.reason = reason
        isWorthRepeating = retry
        isTemporary = retry || temporary
    }

    /// "Signature expired: … is now earlier than …", "Signature not yet current: …".
    private static func speaksOfTime(_ message: String) -> Bool {
        message.hasPrefix("Signature expired") || message.hasPrefix("Signature not yet current")
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { Character(Unicode.Scalar($0)).isLetter && $0 < 0x80 }
    }
}
