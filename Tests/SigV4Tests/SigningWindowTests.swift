import Cryptography
import SigV4
import StreamIssuing
import TestSupport
import Testing

@Suite struct SigningWindowTests {
    private func presigner() throws -> Presigner {
        Presigner(
            credentials: Credentials(
                accessKeyID: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            region: "eu-central-1", endpoint: try #require(Endpoint("https://media.example.com")), bucket: "audio",
            addressing: .path)
    }

    /// A second and the hash of the URL that botocore signs for the window that holds it (Vectors/generate.py).
    private struct Vector: Decodable {
        let key: String
        let length: Int64
        let signed: [String: String]
    }

    /// Each host signs for the keys in an order of its own, so that none has in hand what another one has.
    @Test func threeHostsSignWhatBotocoreSignsForTheWindow() throws {
        let vectors = try VectorFile("windows.jsonl").jsonLines(Vector.self)
        #expect(vectors.count == 1000)
        let hash = SHA256()
        for order in [
            vectors, vectors.reversed(), vectors.filter { $0.length > 90 } + vectors.filter { $0.length <= 90 },
        ] {
            let host = try presigner()
            for vector in order {
                let window = SigningWindow(length: .seconds(vector.length))
                for (second, expected) in vector.signed {
                    let time = UnixTime(seconds: try #require(Int64(second)))
                    let url = try host.presign(
                        key: vector.key, at: window.start(of: vector.key, at: time), expiry: .seconds(604_800))
                    #expect(hash.hash(url).hexadecimal.hasPrefix(expected), "\(vector.key.debugDescription) \(second)")
                }
            }
        }
    }

    @Test(arguments: [Int64.min, -86_401, -1, 0, 1, 1_767_875_400, .max])
    func aWindowHoldsItsSecond(_ second: Int64) {
        for length: Int64 in [1, 2, 90, 604_800] {
            let window = SigningWindow(length: .seconds(length))
            let time = UnixTime(seconds: second)
            let start = window.start(of: "audio/é.mp3", at: time)
            #expect(start <= time && start.duration(to: time) < .seconds(length))
            if second > .min + length { #expect(window.start(of: "audio/é.mp3", at: start) == start) }
        }
    }

    @Test func windowsOfObjectsBeginAtDifferentSeconds() {
        let window = SigningWindow(length: .seconds(90))
        let time = UnixTime(seconds: 1_767_875_400)
        let starts = (0..<9000).map { window.start(of: "audio/\($0).mp3", at: time) }
        let counts = Dictionary(grouping: starts) { $0 }.mapValues(\.count)
        // 100 for each second are expected; the standard deviation is 10.
        #expect(counts.count == 90 && counts.values.allSatisfy { (50...150).contains($0) })
    }
}
