import Cryptography
import Foundation
import SigV4
import StreamIssuing

@testable import StoreAuthorization

/// Questions as MinIO and Ceph 16 were seen to send them, with a mark of these tests.
enum RecordedQuestion: String, CaseIterable {
    case minIO = "minio-policy-plugin-get"
    case rgw = "rgw-opa-get"

    static let user = ULID("01HXK0000000000000000A11CE")!
    /// One for each use: a marker is not thread-safe, and tests run side by side.
    static var marker: UserMarker { try! UserMarker(SymmetricKey(0..<32)) }

    static func mark(epoch: Int64 = 5, by marker: UserMarker = marker) -> String {
        UserMark(marker.user(user.description) + String(repeating: "0", count: 15) + String(epoch, radix: 16))!.text
    }

    var signer: String { self == .minIO ? "stream-signer" : "signer" }

    /// With the mark in the place of the recorded one; each other text replaced as given.
    func json(mark: String = mark(), replacing: [String: String] = [:]) throws -> [UInt8] {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/\(rawValue).json")
        var text = try String(contentsOf: file, encoding: .utf8).replacingOccurrences(of: "0123abcd", with: mark)
        for (old, new) in replacing {
            precondition(text.contains(old), "\(rawValue) has no \(old)")
            text = text.replacingOccurrences(of: old, with: new)
        }
        return Array(text.utf8)
    }

    /// Without the parameter of the mark.
    func unmarked(replacing: [String: String] = [:]) throws -> [UInt8] {
        let parameter = self == .minIO ? "\"x-nt-u\": [\n    \"0123abcd\"\n   ]" : "x-nt-u=0123abcd&"
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/\(rawValue).json")
        var text = try String(contentsOf: file, encoding: .utf8)
        precondition(text.contains(parameter))
        text = text.replacingOccurrences(of: parameter, with: self == .minIO ? "\"other\": [\"\"]" : "")
        for (old, new) in replacing {
            precondition(text.contains(old), "\(rawValue) has no \(old)")
            text = text.replacingOccurrences(of: old, with: new)
        }
        return Array(text.utf8)
    }

    func authorizer(_ rules: [AccountRule] = [], expiry: Duration = .seconds(120)) -> StoreAuthorizer {
        StoreAuthorizer(signers: [signer], rules: rules, bucket: "media", expiry: expiry)
    }

    static var noneRefused: RefusedUsers { RefusedUsers(keyNames: [marker.keyName]) }
}
