import Resilience
import TestSupport
import Testing

@testable import EventLoop

/// Answers when it is let, and counts.
private final class Lookups: Sendable {
    private let state: ConditionLocked<(isOpen: Bool, answers: [[String]], count: Int)>

    /// - Parameter answers: one after the other; the last one again and again.
    init(_ answers: [[String]], isOpen: Bool = true) { state = ConditionLocked((isOpen, answers, 0)) }

    var count: Int { state.withLock { $0.count } }

    func open() {
        state.withLock { $0.isOpen = true }
        state.wakeAll()
    }

    func lookUp(_ host: String) -> [String] {
        state.withLock { $0.count += 1 }
        return state.wait { state in
            guard state.isOpen else { return .wait(until: nil) }
            return .done(state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0])
        }
    }
}

@Suite struct NameResolverTests {
    private let running = RunningLoop()
    private let later = ContinuousClock.now.advanced(by: .seconds(600))

    private func addresses(_ resolver: NameResolver, _ host: String = "store.test") async -> [String]? {
        await running.run { [later] _ in try? await resolver.addresses(of: host, by: later) }
    }

    @Test func cachedNameIsNotLookedUpAgain() async {
        let lookups = Lookups([["192.0.2.1", "192.0.2.2"]])
        // Longer than this process may wait for a processor among all other tests.
        let resolver = NameResolver(running.loop, lifetime: .seconds(36_000), lookup: lookups.lookUp)
        for _ in 0..<3 { #expect(await addresses(resolver) == ["192.0.2.1", "192.0.2.2"]) }
        #expect(lookups.count == 1)
    }

    @Test(arguments: ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"])
    func numericHostIsItsOwnAddress(host: String) async {
        let lookups = Lookups([[]])
        #expect(await addresses(NameResolver(running.loop, lookup: lookups.lookUp), host) == [host])
        #expect(lookups.count == 0)
    }

    @Test func waitingTasksShareALookupAndDoNotBlockTheLoop() async {
        let lookups = Lookups([["192.0.2.1"]], isOpen: false)
        let resolver = NameResolver(running.loop, lookup: lookups.lookUp)
        let found = await running.run { [later] loop in
            await withTaskGroup(of: [String]?.self) { group in
                for _ in 0..<50 { group.addTask { try? await resolver.addresses(of: "store.test", by: later) } }
                let turns = loop.turns
                #expect(await loop.turnsPass { lookups.count == 1 && loop.turns > turns + 20 })
                lookups.open()
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(found.count == 50 && found.allSatisfy { $0 == ["192.0.2.1"] })
        #expect(lookups.count == 1)
    }

    @Test func lookupThatHangsTimesOutAndServesLaterCalls() async {
        let lookups = Lookups([["192.0.2.1"]], isOpen: false)
        let resolver = NameResolver(running.loop, lookup: lookups.lookUp)
        let failure = await running.run { _ in
            do throws(NameResolver.Failure) {
                _ = try await resolver.addresses(of: "store.test", by: .now.advanced(by: .milliseconds(20)))
                return NameResolver.Failure?.none
            } catch {
                return error
            }
        }
        #expect(failure == .timeout)
        lookups.open()
        #expect(await addresses(resolver) == ["192.0.2.1"])
        #expect(lookups.count == 1)
    }

    @Test func nameThatDoesNotResolveIsLookedUpAgainByTheNextCall() async {
        let lookups = Lookups([[], ["192.0.2.1"]])
        let resolver = NameResolver(running.loop, lookup: lookups.lookUp)
        #expect(await addresses(resolver) == nil)
        #expect(await addresses(resolver) == ["192.0.2.1"])
    }

    @Test func oldAddressesAreUsedWhileNewOnesAreLookedUp() async {
        let lookups = Lookups([["192.0.2.1"], [], ["192.0.2.2"]])
        let resolver = NameResolver(running.loop, lifetime: .zero, lookup: lookups.lookUp)
        #expect(await addresses(resolver) == ["192.0.2.1"])
        // Refreshed in vain: the name servers are down.
        #expect(await addresses(resolver) == ["192.0.2.1"])
        #expect(eventually { lookups.count == 2 })
        await running.run { loop in
            resolver.doubt("store.test")
            #expect(await loop.turnsPass { lookups.count == 2 })
        }
        let isRefreshed = await running.run { [later] loop in
            await loop.turnsPass {
                resolver.doubt("store.test")
                return (try? await resolver.addresses(of: "store.test", by: later)) == ["192.0.2.2"]
            }
        }
        #expect(isRefreshed)
    }

    @Test func systemResolverResolvesLocalhost() async {
        #expect(NumericAddress.lookUp("localhost").contains("127.0.0.1"))
        #expect(NumericAddress.lookUp("no-such-host.invalid").isEmpty)
    }

    /// getaddrinfo(3) cannot be interrupted.
    @Test func stopWaitsForLookupsNoLongerThanItsDeadline() async {
        let lookups = Lookups([["192.0.2.1"]], isOpen: false)
        let resolver = NameResolver(running.loop, lookup: lookups.lookUp)
        let soon = ContinuousClock.now.advanced(by: .milliseconds(1))
        for host in ["a.test", "b.test"] {
            #expect(await running.run { _ in try? await resolver.addresses(of: host, by: soon) } == nil)
        }
        running.stop()
        #expect(!resolver.stop(by: Deadline(after: .milliseconds(10))))
        lookups.open()
        #expect(resolver.stop(by: Deadline(after: .seconds(20))))
        #expect(lookups.count == 2)
    }
}
