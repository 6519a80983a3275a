import EventLoop
import Glibc
import Resilience
import SealedCache
import TestSupport
import Testing

/// The store of an event loop against the live Redis. Never beside the tests of the blocking one: both have the server
/// close connections.
extension RESPStoreTests {
    @Suite struct OnALoop {
        private let stack = LiveStack.shared
        private let running = RunningLoop()
        private let queue = BlockingQueue(name: "test-connector")

        /// A store on the loop's thread, once it is connected, and what `body` does with it there.
        private func connected<Result: Sendable>(
            to url: String? = nil, _ body: @escaping @Sendable (EventLoop, RESPLoopStore, RESPStore) async -> Result
        ) async throws -> Result {
            guard case .server(let server) = try CacheURL(url ?? stack["CACHE_URL"]) else { fatalError("not a server") }
            let queue = queue
            defer {
                queue.stop()
                queue.join()
            }
            return await running.run { loop in
                let store = RESPLoopStore(
                    CurrentServer(server), on: loop, connector: RESPConnector(on: queue), timeout: .seconds(5),
                    longestTimeToLive: .seconds(60),
                    clock: WallClockNow())
                store.start()
                await Self.turns(of: loop) { store.isConnected }
                let blocking = RESPStore(
                    CurrentServer(server), timeout: .seconds(5), longestTimeToLive: .seconds(60), clock: WallClockNow())
                let result = await body(loop, store, blocking)
                store.close()
                return result
            }
        }

        private static func turns(of loop: EventLoop, until condition: () -> Bool) async {
            // A generous limit: what follows then fails.
            let limit = ContinuousClock.now.advanced(by: .seconds(30))
            while !condition(), ContinuousClock.now < limit { await nextTurn(of: loop) }
        }

        private static func nextTurn(of loop: EventLoop) async {
            let promise = Promise<Void>()
            loop.execute { promise.keep(()) }
            await promise.value()
        }

        @Test(arguments: ["CACHE_URL", "CACHE_URL_UNIX"], LoopValueStoreContract.checks)
        func keepsTheContractOnALiveServer(name: String, _ check: LoopValueStoreContract.Check) async throws {
            try await run(check, on: stack[name], keyPrefix: "loop-contract-\(name)")
        }

        @Test(
            .enabled(if: PrivateGarnet.isInstalled, "\(PrivateGarnet.absence)"),
            arguments: LoopValueStoreContract.checks)
        func keepsTheContractOnGarnet(_ check: LoopValueStoreContract.Check) async throws {
            try await run(check, on: PrivateGarnet.shared.get().url, keyPrefix: "loop-contract")
        }

        private func run(_ check: LoopValueStoreContract.Check, on url: String, keyPrefix: String) async throws {
            let failure = try await connected(to: url) { loop, store, blocking in
                // Values expire by the server's own clock, which only waiting moves.
                await LoopValueStoreContract(store, beside: blocking, on: loop, keyPrefix: keyPrefix) { duration in
                    _ = poll(nil, 0, duration.roundedUpMilliseconds)
                }.run(check)
            }
            if let failure { throw failure }
        }

        @Test func tenThousandReadsOfOneTurnGetTheirReplies() async throws {
            let answers = try await connected { loop, store, blocking in
                try? blocking.setValue([7], forKey: "loop-many", in: "loop-many-group", timeToLive: .seconds(30))
                let reads = (0..<10_000).map { _ in store.read("loop-many", by: .now.advanced(by: .seconds(30))) }
                var values: Set<[UInt8]?> = []
                for read in reads { values.insert(try? await read.value().get()) }
                return values
            }
            #expect(answers == [[7]])
        }

        @Test func connectionThatTheServerClosedIsReplaced() async throws {
            let stack = stack
            let value = try await connected { loop, store, blocking in
                try? blocking.setValue([1, 2, 3], forKey: "loop-lost", in: "loop-lost-group", timeToLive: .seconds(30))
                _ = try? stack.redis("client", "kill", "type", "normal", "skipme", "yes")
                await Self.turns(of: loop) { !store.isConnected }
                await Self.turns(of: loop) { store.isConnected }
                return try? await store.read("loop-lost", by: .now.advanced(by: .seconds(30))).value().get()
            }
            #expect(value == [1, 2, 3])
        }

        @Test func wrongPasswordIsAConnectFailure() async throws {
            let url = stack["CACHE_URL"].replacing("redis://", with: "redis://user:CANARYpassword@")
            guard case .server(let server) = try CacheURL(url) else { fatalError("not a server") }
            let queue = queue
            defer {
                queue.stop()
                queue.join()
            }
            let error = await running.run { loop in
                let store = RESPLoopStore(
                    CurrentServer(server), on: loop, connector: RESPConnector(on: queue), timeout: .seconds(5),
                    longestTimeToLive: .seconds(60),
                    clock: WallClockNow())
                store.start()
                while true {
                    if case .failure(let error) = await store.read("any", by: .now.advanced(by: .seconds(30))).value(),
                        error.code == "connect"
                    {
                        store.close()
                        return error
                    }
                    await Self.nextTurn(of: loop)
                }
            }
            #expect(error.reason.contains("the server answered") && !error.description.contains("CANARY"))
        }
    }
}
