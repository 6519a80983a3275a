import Cryptography
import StreamIssuing

/// Task 2 of "Create a signed AWS API request" (AWS General Reference, Signature Version 4).
struct StringToSign {
    /// The same for everything that is signed in one second: algorithm, time and scope, a line each.
    let head: String
    let canonicalRequestHash: Digest256

    var text: String { "\(head)\(canonicalRequestHash.hexadecimal)" }

    static func head(_ time: UnixTime, _ scope: CredentialScope) -> String {
        "AWS4-HMAC-SHA256\n\(time.iso8601Basic)\n\(scope.description)\n"
    }
}

extension StringToSign {
    init(time: UnixTime, scope: CredentialScope, canonicalRequestHash: Digest256) {
        self.init(head: Self.head(time, scope), canonicalRequestHash: canonicalRequestHash)
    }
}
