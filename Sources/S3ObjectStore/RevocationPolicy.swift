import StreamIssuing

/// What an operator gives the store so that it refuses marked objects: JSON of the policy language of AWS ("Policies and
/// permissions in Amazon S3").
public enum RevocationPolicy {
    /// With `s3:ListBucket` beside them: without it a store answers 403 for an object that is gone.
    private static let taggingActions = ["s3:GetObjectTagging", "s3:PutObjectTagging", "s3:DeleteObjectTagging"]

    /// The bucket's policy, for AWS and RGW.
    /// - Parameters:
    ///   - bucket: or `tenant:bucket`.
    ///   - tagger: ARN of the user of `novatune-streamd revoke`; nil where a policy of its own lets it change tags.
    public static func ofBucket(_ bucket: String, tagger: String?) -> String {
        var statements = [deny(bucket, principal: #""Principal": "*", "#)]
        if let tagger {
            statements += allowTagging(bucket, principal: #""Principal": {"AWS": ["\#(tagger)"]}, "#)
        }
        return document(statements)
    }

    /// The policy of the user who signs, for MinIO, whose bucket policies bind anonymous users only.
    public static func ofSigner(_ bucket: String) -> String {
        document([
            statement("NovatuneSigner", "Allow", "", ["s3:GetObject"], objects(bucket)), deny(bucket, principal: ""),
        ])
    }

    /// The policy of the user of `novatune-streamd revoke`, for MinIO and for IAM.
    public static func ofTagger(_ bucket: String) -> String {
        document(allowTagging(bucket, principal: ""))
    }

    private static func allowTagging(_ bucket: String, principal: String) -> [String] {
        [
            statement("NovatuneTagger", "Allow", principal, taggingActions, objects(bucket)),
            statement("NovatuneTaggerMissing", "Allow", principal, ["s3:ListBucket"], arn(bucket)),
        ]
    }

    private static func deny(_ bucket: String, principal: String) -> String {
        let condition =
            #", "Condition": {"StringEquals": {"s3:ExistingObjectTag/\#(RevocationTag.name)": "\#(RevocationTag.value)"}}"#
        return statement(
            "NovatuneRevoked", "Deny", principal, ["s3:GetObject", "s3:GetObjectVersion"], objects(bucket),
            condition: condition)
    }

    private static func statement(
        _ id: String, _ effect: String, _ principal: String, _ actions: [String], _ resource: String,
        condition: String = ""
    ) -> String {
        let actions = actions.map { "\"\($0)\"" }.joined(separator: ", ")
        return #"{"Sid": "\#(id)", "Effect": "\#(effect)", \#(principal)"Action": [\#(actions)], "#
            + #""Resource": ["\#(resource)"]\#(condition)}"#
    }

    /// Every object of the bucket.
    private static func objects(_ bucket: String) -> String { "\(arn(bucket))/*" }

    private static func arn(_ bucket: String) -> String {
        let parts = bucket.split(separator: ":", maxSplits: 1)
        return parts.count == 2 ? "arn:aws:s3::\(parts[0]):\(parts[1])" : "arn:aws:s3:::\(bucket)"
    }

    private static func document(_ statements: [String]) -> String {
        #"{"Version": "2012-10-17", "Statement": ["# + "\n " + statements.joined(separator: ",\n ") + "\n]}"
    }
}
