import EventLoop
import Foundation
import Glibc
import Resilience
import SealedCache
import TestSupport
import Testing

/// Both stores of a cluster against six servers.
@Suite(.serialized) struct RESPClusterTests {
    private static let cluster = Result { try PrivateCluster() }
    private let running = RunningLoop()
    private let queue = BlockingQueue(name: "test-connector")

    private static func server(_ cluster: PrivateCluster) throws -> CurrentServer {
        guard case .server(let server) = try CacheURL(cluster.url) else { fatalError("not a server") }
        return CurrentServer(server)
    }

    private static func makeStore(_ cluster: PrivateCluster) throws -> any ValueStore {
        try server(cluster).makeStore(timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
    }

    private static func wait(_ duration: Duration) { _ = poll(nil, 0, duration.roundedUpMilliseconds) }

    /// A store on the loop's thread, once it reads, and what `body` does with it there.
    private func onALoop<Value: Sendable>(
        _ cluster: PrivateCluster,
        _ body: @escaping @Sendable (EventLoop, any LoopValueStore, any ValueStore) async -> Value
    ) async throws -> Value {
        let server = try Self.server(cluster)
        let queue = queue
        defer {
            queue.stop()
            queue.join()
        }
        return await running.run { loop in
            let store = server.makeStore(
                on: loop, connector: RESPConnector(on: queue), timeout: .seconds(5), longestTimeToLive: .seconds(60),
                clock: WallClockNow())
            let blocking = server.makeStore(
                timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
            store.start()
            for user in 0..<64 { await Self.answered(loop) { await Self.read(store, "ready:\(user):t") != .failed } }
            let result = await body(loop, store, blocking)
            store.close()
            return result
        }
    }

    private enum Read: Sendable, Equatable {
        case value([UInt8])
        case miss, failed
    }

    private static func read(_ store: any LoopValueStore, _ key: String) async -> Read {
        switch await store.read(key, by: .now.advanced(by: .seconds(30))).value() {
        case .success(let value?): .value(value)
        case .success(nil): .miss
        case .failure: .failed
        }
    }

    private static func write(_ store: any LoopValueStore, _ value: UInt8, _ user: String) async -> Bool {
        let promise = Promise<Bool>()
        store.write([value], forKey: "\(user):t", in: user, timeToLive: .seconds(60)) { result in
            if case .success = result { promise.keep(true) } else { promise.keep(false) }
        }
        return await promise.value()
    }

    private static func answered(_ loop: EventLoop, _ condition: () async -> Bool) async {
        // A generous limit: what follows then fails.
        let limit = ContinuousClock.now.advanced(by: .seconds(30))
        while await !condition(), ContinuousClock.now < limit {
            let promise = Promise<Void>()
            _ = loop.schedule(at: .now.advanced(by: .milliseconds(5))) { promise.keep(()) }
            await promise.value()
        }
    }

    @Test(arguments: ValueStoreContract.checks)
    func blockingStoreKeepsTheContract(_ check: Row<@Sendable (ValueStoreContract) throws -> Void>) throws {
        try check.value(ValueStoreContract(try Self.makeStore(try Self.cluster.get()), letTimePass: Self.wait))
    }

    @Test(arguments: LoopValueStoreContract.checks)
    func storeOfALoopKeepsTheContract(_ check: LoopValueStoreContract.Check) async throws {
        let failure = try await onALoop(try Self.cluster.get()) { loop, store, blocking in
            await LoopValueStoreContract(store, beside: blocking, on: loop, letTimePass: Self.wait).run(check)
        }
        if let failure { throw failure }
    }

    @Test func usersAreSpreadOverAllMastersAndEachIsInOneSlot() throws {
        let cluster = try Self.cluster.get()
        let store = try Self.makeStore(cluster)
        for user in 0..<64 {
            for track in 0..<3 {
                try store.setValue(
                    [1], forKey: "spread:\(user):\(track)", in: "spread:\(user)", timeToLive: .seconds(60))
            }
        }
        #expect(cluster.masters.count == 3)
        for master in cluster.masters { #expect(try master.cli("dbsize") != "0\n") }
        for user in 0..<64 { #expect(try store.removeValues(in: "spread:\(user)") == 3) }
    }

    @Test func slotsThatMoveAreFollowed() async throws {
        let cluster = try PrivateCluster(replicas: 0)
        let lost = try await onALoop(cluster) { loop, store, blocking in
            for user in 0..<200 { _ = await Self.write(store, UInt8(user), "moving:\(user)") }
            let ids = cluster.nodes.compactMap { try? $0.cli("cluster", "myid").trimmingCharacters(in: .newlines) }
            // redis-cli moves 4,000 slots of one master to another, key by key, while all values are read.
            let moved = Locked(false)
            let thread = Thread {
                _ = try? cluster.redisCLI([
                    "--cluster", "reshard", "127.0.0.1:\(cluster.nodes[0].port)", "--cluster-from", ids[0],
                    "--cluster-to", ids[1], "--cluster-slots", "4000", "--cluster-yes",
                ])
                moved.withLock { $0 = true }
            }
            thread.start()
            var failures = 0
            while !moved.withLock({ $0 }) {
                for user in 0..<200 where await Self.read(store, "moving:\(user):t") != .value([UInt8(user)]) {
                    failures += 1
                }
            }
            for user in 0..<200 where await Self.read(store, "moving:\(user):t") != .value([UInt8(user)]) {
                failures += 1
            }
            for user in 0..<200 where (try? blocking.removeValues(in: "moving:\(user)")) != 1 { failures += 1 }
            return failures
        }
        #expect(lost == 0)
    }

    @Test func lostMasterIsReplacedByItsReplica() async throws {
        let cluster = try PrivateCluster()
        let served = try await onALoop(cluster) { loop, store, blocking in
            for user in 0..<64 { _ = await Self.write(store, 1, "failover:\(user)") }
            guard let lost = cluster.holder(of: "failover:{0}:t") else { return -1 }
            _ = try? lost.cli("shutdown", "nosave")
            // The other masters' users do not notice.
            await Self.answered(loop) { await Self.write(store, 2, "failover:0") }
            var served = 0
            for user in 0..<64 where await Self.write(store, 3, "failover:\(user)") {
                if await Self.read(store, "failover:\(user):t") == .value([3]) { served += 1 }
            }
            for user in 0..<64 where (try? blocking.value(forKey: "failover:\(user):t")) != [3] { served -= 1 }
            return served
        }
        #expect(served == 64)
        #expect(try Self.makeStore(cluster).removeValues(under: "failover") == 64)
        try Self.makeStore(cluster).probe(under: "stream")
    }

    @Test func nodeOfAClusterSaysSoToAURLOfOneServer() throws {
        let cluster = try Self.cluster.get()
        guard case .server(let server) = try CacheURL(cluster.url.replacing("redis+cluster", with: "redis")) else {
            fatalError("not a server")
        }
        let store = CurrentServer(server).makeStore(
            timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
        let errors = (0..<20).compactMap { number -> ValueStoreError? in
            do throws(ValueStoreError) {
                _ = try store.value(forKey: "any:\(number):t")
                return nil
            } catch {
                return error
            }
        }
        #expect(errors.contains { $0.reason.contains("redis+cluster://") })
    }
}
