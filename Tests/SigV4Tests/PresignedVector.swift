import TestSupport

/// A URL that botocore made (Vectors/generate.py).
struct PresignedVector: Decodable, Sendable {
    let method: String
    let addressing: String
    let endpoint: String
    let bucket: String
    let key: String
    let region: String
    let unixTime: Int64
    let expiresInSeconds: Int64
    let accessKeyID: String
    let secretAccessKey: String
    let sessionToken: String?
    let responseContentType: String?
    let url: String

    static func all() throws -> [PresignedVector] {
        try VectorFile("presigned.jsonl").jsonLines(PresignedVector.self)
    }
}
