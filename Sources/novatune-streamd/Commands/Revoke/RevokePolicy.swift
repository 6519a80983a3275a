import ArgumentParser
import S3ObjectStore
import StreamIssuing

/// What the operator gives the store.
struct RevokePolicy: ParsableCommand {
    enum Store: String, ExpressibleByArgument, CaseIterable {
        case aws, rgw, minio
    }

    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Print the policy by which the store refuses objects of deleted tracks.",
        discussion: """
            For AWS and Ceph's RGW, the policy of the bucket: it denies s3:GetObject of an object with the tag \
            \(RevocationTag.name)=\(RevocationTag.value) to each user. A bucket has one policy: where it has one already, add \
            these statements to it.

            MinIO applies a bucket's policy to anonymous requests only: there the same stands in the policy of the user who \
            signs (NOVATUNE_S3_ACCESS_KEY_ID of the responder), which --for minio prints. MinIO's root user is bound by no \
            policy: it must not sign URLs.

            Needs NOVATUNE_S3_BUCKET, in the environment or in the file given by --config. Afterwards 'novatune-streamd \
            check' tells whether the policy binds the signer.

            EXAMPLES:
              novatune-streamd revoke policy --config /etc/novatune/novatune.env > policy.json
              aws s3api put-bucket-policy --bucket audio --policy file://policy.json
              novatune-streamd revoke policy --for minio --config /etc/novatune/novatune.env > signer.json
              mc admin policy create STORE novatune-signer signer.json

            EXIT CODES: 0 printed; 64 the command line is not valid; 78 settings are not valid.
            """
    )

    @Option(name: .customLong("for"), help: ArgumentHelp("aws, rgw or minio.", valueName: "store"))
    var store = Store.aws

    @Flag(help: "Print the policy of the user of 'revoke' instead, who may change tags and read no object.")
    var tagger = false

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Also allow this user to change tags, by the bucket's policy: arn:aws:iam:::user/novatune-revoke on RGW.",
            valueName: "arn"))
    var allowTagger: String?

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard let allowTagger else { return }
        let isPlain = allowTagger.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }
        guard allowTagger.hasPrefix("arn:"), isPlain else {
            throw ValidationError("--allow-tagger is not an ARN such as arn:aws:iam:::user/novatune-revoke")
        }
        if tagger || store == .minio { throw ValidationError("--allow-tagger is for the policy of a bucket") }
    }

    func run() throws {
        let bucket = try SettingsOptions.reportingErrors { () throws(SettingsError) in
            try SettingsReader.readBucket(options.source)
        }
        if tagger {
            Console.print(RevocationPolicy.ofTagger(bucket))
        } else if store == .minio {
            Console.print(RevocationPolicy.ofSigner(bucket))
        } else {
            Console.print(RevocationPolicy.ofBucket(bucket, tagger: allowTagger))
        }
    }
}
