import Foundation
import Testing

@testable import S3ObjectStore

@Suite struct RevocationPolicyTests {
    private func statements(_ text: String) throws -> [[String: Any]] {
        let document = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(document["Version"] as? String == "2012-10-17")
        return try #require(document["Statement"] as? [[String: Any]])
    }

    @Test func bucketsPolicyDeniesEachUserWhatIsTagged() throws {
        let policy = try statements(RevocationPolicy.ofBucket("audio", tagger: nil))
        #expect(policy.count == 1 && policy[0]["Effect"] as? String == "Deny")
        #expect(
            policy[0]["Principal"] as? String == "*" && policy[0]["Resource"] as? [String] == ["arn:aws:s3:::audio/*"])
        #expect(
            policy[0]["Condition"] as? [String: [String: String]]
                == ["StringEquals": ["s3:ExistingObjectTag/novatune-revoked": "true"]])
    }

    @Test func taggerMayChangeTagsAndReadNothing() throws {
        let policy = try statements(RevocationPolicy.ofBucket("t:audio", tagger: "arn:aws:iam::t:user/r"))
        #expect(
            policy.map { $0["Resource"] as? [String] } == [
                ["arn:aws:s3::t:audio/*"], ["arn:aws:s3::t:audio/*"], ["arn:aws:s3::t:audio"],
            ])
        let actions = ["s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging"]
        #expect(policy[1]["Effect"] as? String == "Allow" && policy[1]["Action"] as? [String] == actions)
        #expect(policy[1]["Principal"] as? [String: [String]] == ["AWS": ["arn:aws:iam::t:user/r"]])
        let own = try statements(RevocationPolicy.ofTagger("audio"))
        #expect(own.count == 2 && own[0]["Action"] as? [String] == actions && own[0]["Principal"] == nil)
        #expect(own[1]["Action"] as? [String] == ["s3:ListBucket"])
    }

    @Test func signersPolicyAllowsReadingAndDeniesWhatIsTagged() throws {
        let policy = try statements(RevocationPolicy.ofSigner("audio"))
        #expect(policy.map { $0["Effect"] as? String } == ["Allow", "Deny"])
        #expect(policy.allSatisfy { $0["Principal"] == nil } && policy[1]["Condition"] != nil)
    }
}
