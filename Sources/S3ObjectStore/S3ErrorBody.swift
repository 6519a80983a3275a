import HTTPClient

/// An S3 error document ("REST error responses", Amazon S3 API Reference), as far as the cause of a refusal shows in
/// it. Its message may quote the object's key and the signature, so it is never shown.
struct S3ErrorBody: Equatable {
    /// `NoSuchKey`, `AccessDenied`, …; nil where the answer is no S3 error.
    let code: String?
    /// The region that the store expects, or has the bucket in.
    let region: String?
    /// What the store took for the bucket.
    let bucket: String?
    /// What it took for the key.
    let key: String?
    /// Whether it refuses the time of the signature.
    let isAboutTime: Bool

    static let regionHeader = "x-amz-bucket-region"

    init(_ response: HTTPResponse) {
        self.init(String(decoding: response.body, as: UTF8.self), regionHeader: response.headers[Self.regionHeader])
    }

    init(_ document: String, regionHeader: String? = nil) {
        func element(_ name: String) -> Substring? { Self.between("<\(name)>", "</\(name)>", document) }
        code = element("Code").flatMap { Self.plain($0) }
        let message = element("Message") ?? ""
        // Stores quote in several ways.
        let quoted = ["&apos;", "&#39;", "&quot;", "&#34;", "\""].reduce(String(message)) {
            $0.replacing($1, with: "'")
        }
        let expected = Self.between("expecting '", "'", quoted)
        region = (element("Region") ?? expected ?? regionHeader?[...]).flatMap { Self.plain($0) }
        bucket = element("BucketName").map(String.init)
        key = element("Key").map(String.init)
        let namesTime = ["expired", "not valid yet", "not yet valid"].contains { message.contains($0) }
        isAboutTime =
            code == "RequestTimeTooSkewed" || code == "RequestExpired" || (code == "AccessDenied" && namesTime)
    }

    private static func between(_ start: String, _ end: String, _ text: some StringProtocol) -> Substring? {
        let text = Substring(text)
        guard let head = text.firstRange(of: start), let tail = text[head.upperBound...].firstRange(of: end) else {
            return nil
        }
        return text[head.upperBound..<tail.lowerBound]
    }

    /// A word that may be shown.
    private static func plain(_ text: Substring) -> String? {
        let isPlain = text.utf8.allSatisfy { byte in
            (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a) || (0x30...0x39).contains(byte)
                || [0x2d, 0x2e, 0x5f].contains(byte)
        }
        return isPlain && (1...64).contains(text.utf8.count) ? String(text) : nil
    }
}
