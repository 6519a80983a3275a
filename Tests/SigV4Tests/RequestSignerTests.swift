import Cryptography
import SigV4
import StreamIssuing
import TestSupport
import Testing

@Suite struct RequestSignerTests {
    /// A request that botocore signed (Vectors/generate.py).
    struct Vector: Decodable, Sendable {
        let endpoint: String
        let payload: String
        let region: String
        let accessKeyID: String
        let secretAccessKey: String
        let sessionToken: String?
        let unixTime: Int64
        let headers: [String: String]
        let authorization: String
    }

    @Test func signedHeadersEqualThoseOfBotocore() throws {
        let vectors = try VectorFile("signed.jsonl").jsonLines(Vector.self)
        #expect(vectors.count >= 90)
        for vector in vectors {
            let signer = RequestSigner(
                credentials: Credentials(
                    accessKeyID: vector.accessKeyID, secretAccessKey: vector.secretAccessKey,
                    sessionToken: vector.sessionToken),
                region: vector.region, service: "kms")
            let sent = try signer.post(
                try #require(Endpoint(vector.endpoint)),
                headers: vector.headers.map { (name: $0.key, value: $0.value) },
                payload: Array(vector.payload.utf8), at: UnixTime(seconds: vector.unixTime))
            #expect(sent.first { $0.name == "authorization" }?.value == vector.authorization)
            #expect(sent.first { $0.name == "x-amz-security-token" }?.value == vector.sessionToken)
        }
    }

    /// A call of S3 for an object's tags that botocore signed.
    struct Tagging: Decodable, Sendable {
        let method, endpoint, addressing, bucket, key, url, payload, region, accessKeyID, secretAccessKey: String
        let sessionToken: String?
        let unixTime: Int64
        let headers: [String: String]
        let authorization: String
    }

    @Test func callsForTagsEqualThoseOfBotocore() throws {
        let vectors = try VectorFile("tagging.jsonl").jsonLines(Tagging.self)
        #expect(Set(vectors.map(\.method)) == ["GET", "PUT", "DELETE"] && vectors.count >= 100)
        for vector in vectors {
            let signer = RequestSigner(
                credentials: Credentials(
                    accessKeyID: vector.accessKeyID, secretAccessKey: vector.secretAccessKey,
                    sessionToken: vector.sessionToken),
                region: vector.region, service: "s3")
            let address = BucketAddress(
                endpoint: try #require(Endpoint(vector.endpoint)), name: vector.bucket,
                addressing: try #require(Endpoint.Addressing(rawValue: vector.addressing)))
            let call = try signer.objectCall(
                vector.method, "tagging", of: vector.key, in: address,
                headers: vector.headers.map { (name: $0.key, value: $0.value) }, payload: Array(vector.payload.utf8),
                at: UnixTime(seconds: vector.unixTime))
            #expect(call.url == vector.url)
            #expect(call.headers.first { $0.name == "authorization" }?.value == vector.authorization)
        }
    }

    @Test func endpointsPathIsSignedUnlessAProxyRemovesIt() throws {
        let signer = RequestSigner(
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"), region: "r", service: "s3")
        func authorization(_ endpoint: String, _ handling: Endpoint.PathHandling) throws -> String? {
            let address = BucketAddress(
                endpoint: try #require(Endpoint(withPath: endpoint)), name: "b", addressing: .path,
                pathHandling: handling)
            let call = try signer.objectCall("GET", "tagging", of: "k", in: address, at: UnixTime(seconds: 0))
            #expect(call.url == "\(endpoint)/b/k?tagging")
            return call.headers.first { $0.name == "authorization" }?.value
        }
        let plain = try authorization("https://h", .kept)
        #expect(try authorization("https://h/s3", .removed) == plain)
        #expect(try authorization("https://h/s3", .kept) != plain)
    }

    @Test(arguments: [
        Row("https://127.0.0.1", true), Row("https://127.255.0.3:1", true), Row("http://localhost", true),
        Row("http://[::1]:9", true),
        Row("http://128.0.0.1", false), Row("http://127.0.0.1.example.com", false), Row("http://127.0.0.256", false),
        Row("https://kms.eu-central-1.amazonaws.com", false), Row("http://localhost.example.com", false),
    ])
    func endpointReportsWhetherItIsLoopback(_ row: Row<Bool>) { #expect(Endpoint(row.name)?.isLoopback == row.value) }
}
