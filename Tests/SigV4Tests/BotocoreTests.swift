import SigV4
import StreamIssuing
import Testing

@Suite struct BotocoreTests {
    @Test func urlsEqualBotocoresByteByByte() throws {
        for vector in try PresignedVector.all() {
            let url = try presigner(vector).presign(
                method: vector.method, key: vector.key, responseContentType: vector.responseContentType,
                at: UnixTime(seconds: vector.unixTime), expiry: .seconds(vector.expiresInSeconds))
            // Strings compare by canonical equivalence, which would take é for e and an accent.
            #expect(
                Array(url.utf8) == Array(vector.url.utf8),
                "\(vector.addressing) \(vector.endpoint) \(vector.key.debugDescription)")
        }
    }

    @Test func reusedSignerSignsLikeAFreshOne() throws {
        let vectors = try PresignedVector.all()
        let first = try #require(vectors.first)
        let same = vectors.filter {
            $0.endpoint == first.endpoint && $0.bucket == first.bucket && $0.region == first.region
                && $0.accessKeyID == first.accessKeyID
                && $0.sessionToken == first.sessionToken && $0.addressing == first.addressing
        }
        let signer = try presigner(first)
        // There and back, so that the kept signing key has to change with the day.
        for vector in same + same.reversed() {
            let url = try signer.presign(
                method: vector.method, key: vector.key, responseContentType: vector.responseContentType,
                at: UnixTime(seconds: vector.unixTime), expiry: .seconds(vector.expiresInSeconds))
            #expect(Array(url.utf8) == Array(vector.url.utf8))
        }
        #expect(Set(same.map { $0.unixTime / 86_400 }).count > 1, "the vectors must cover several days")
    }

    @Test func vectorsCoverEveryCase() throws {
        let vectors = try PresignedVector.all()
        #expect(vectors.count >= 320)
        for addressing in ["path", "virtual"] {
            for suffix in ["example.com", ":443", ":80", ":8443"] {
                let matching = vectors.filter { $0.addressing == addressing && $0.endpoint.hasSuffix(suffix) }
                #expect(matching.contains { $0.sessionToken != nil } && matching.contains { $0.sessionToken == nil })
                #expect(
                    matching.contains { $0.responseContentType != nil }
                        && matching.contains { $0.responseContentType == nil })
            }
        }
        for character in " +%=&?#;:@()'*~!$,\\\"<>^`{}|é🎵" {
            #expect(vectors.contains { $0.key.contains(character) }, "no key with \(character)")
        }
        #expect(!vectors.contains { $0.key.split(separator: "/").contains { $0 == "." || $0 == ".." } })
    }

    private func presigner(_ vector: PresignedVector) throws -> Presigner {
        Presigner(
            credentials: Credentials(
                accessKeyID: vector.accessKeyID, secretAccessKey: vector.secretAccessKey,
                sessionToken: vector.sessionToken),
            region: vector.region, endpoint: try #require(Endpoint(vector.endpoint)), bucket: vector.bucket,
            addressing: try #require(Endpoint.Addressing(rawValue: vector.addressing)))
    }
}
