import Cryptography
import EventLoop
import HTTPClient
import Resilience
import SigV4
import StreamIssuing
import TestSupport
import Testing

@testable import S3ObjectStore

/// Ten thousand requests for a store that accepts connections and never answers.
@Suite struct StalledStoreTests {
    private static let requests = 10_000

    private let running = RunningLoop()
    private let verified = VerifiedObjects()
    private let server = UnhelpfulServer(.silent)

    private func makeStore(_ client: LoopHTTPClient, timeout: Duration) throws -> LoopObjectStore {
        let endpoint = try #require(Endpoint(server.url))
        return LoopObjectStore(
            S3Settings(
                endpoint: endpoint, publicEndpoint: endpoint, region: "us-east-1", bucket: "bucket", addressing: .path,
                presignExpiry: .seconds(120), timeout: timeout, verification: .object),
            credentials: Credentials(accessKeyID: "id", secretAccessKey: "secret"),
            clock: SettableWallClock(1_800_000_000),
            loop: running.loop, client: client, verified: verified, breaker: .neverOpening())
    }

    private func remember(_ track: Track) {
        let object = VerifiedObjectTable.Object(
            keyDigest: SHA256().hash(track.objectKey.exposeSecret()), version: track.version)
        guard let epoch = verified.epochUnlessContained(object, of: track.id, at: .now) else { return }
        verified.remember(object, of: track.id, verifiedAt: .now, since: epoch)
    }

    @Test func excessIsRefusedAndOtherRequestsAreServed() async throws {
        let resolver = NameResolver(running.loop)
        let client = LoopHTTPClient(running.loop, resolver: resolver),
            other = LoopHTTPClient(running.loop, resolver: resolver)
        let store = try makeStore(client, timeout: .seconds(600)), known = Track.number(1_000_000)
        remember(known)
        let well = UnhelpfulServer(.answering([.status(200)])), url = well.url, server = server
        let later = ContinuousClock.now.advanced(by: .seconds(600))
        let codes = await running.run { loop in
            await withTaskGroup(of: String?.self) { group in
                for number in 0..<Self.requests {
                    group.addTask { await call(store, .number(number), later)?.failure?.code }
                }
                var codes: [String?] = []
                // The refused ones do not wait for the others.
                for _ in 0..<Self.requests - 1024 { codes.append(await group.next()!) }
                #expect(codes.allSatisfy { $0 == "bulkhead_full" })
                #expect(await loop.turnsPass { server.connections == 64 })
                #expect(store.waitingCount == 1024 && client.waitingCount == 960)
                // What needs no answer of the stalled store does not wait for it.
                #expect(await call(store, known, later)?.isRemembered == true)
                #expect((try? await other.head(url, timeout: .seconds(600)))?.status == 200)
                #expect(store.waitingCount == 1024 && server.accepted == 64)
                server.hangUp()
                codes.removeAll()
                while let code = await group.next() { codes.append(code) }
                return codes
            }
        }
        #expect(codes == Array(repeating: "lost", count: 1024))
        #expect(store.waitingCount == 0 && client.waitingCount == 0)
    }

    @Test func abandonedRequestsFreeTheirPlaces() async throws {
        let client = LoopHTTPClient(running.loop, resolver: NameResolver(running.loop))
        let store = try makeStore(client, timeout: .seconds(600)), server = server
        let later = ContinuousClock.now.advanced(by: .seconds(600))
        let codes = await running.run { loop in
            await withTaskGroup(of: String?.self) { group in
                let abandonments = (0..<1024).map { _ in Abandonment() }
                for (number, abandonment) in abandonments.enumerated() {
                    group.addTask { await call(store, .number(number), later, unless: abandonment)?.failure?.code }
                }
                #expect(await loop.turnsPass { store.waitingCount == 1024 && client.waitingCount == 960 })
                for abandonment in abandonments { abandonment.happen() }
                var codes: [String?] = []
                for _ in 0..<960 { codes.append(await group.next()!) }
                // What is left are the calls that have their connections.
                #expect(store.waitingCount == 64 && client.waitingCount == 0)
                #expect(codes.allSatisfy { $0 == "timeout" }, "\(Set(codes))")
                server.hangUp()
                codes.removeAll()
                while let code = await group.next() { codes.append(code) }
                return codes
            }
        }
        #expect(codes == Array(repeating: "lost", count: 64))
        #expect(store.waitingCount == 0)
    }

    @Test func waitingRequestsTimeOutAndFreeTheirPlaces() async throws {
        let client = LoopHTTPClient(running.loop, resolver: NameResolver(running.loop))
        let store = try makeStore(client, timeout: .milliseconds(200))
        let codes = await running.run { _ in
            await withTaskGroup(of: String?.self) { group in
                for number in 0..<Self.requests {
                    group.addTask { await call(store, .number(number), .now.advanced(by: .seconds(1)))?.failure?.code }
                }
                return await group.reduce(into: [:]) { $0[$1 ?? "", default: 0] += 1 }
            }
        }
        // Some may have come after others had left; on a slow machine that may be all of them.
        #expect(Set(codes.keys).isSubset(of: ["bulkhead_full", "timeout"]) && codes["timeout", default: 0] >= 1024)
        #expect(codes.values.reduce(0, +) == Self.requests)
        #expect(store.waitingCount == 0 && client.waitingCount == 0)
        #expect(eventually { server.connections == 0 })
    }
}
