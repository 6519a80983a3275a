import ArgumentParser
import TestSupport
import Testing

@testable import novatune_streamd

@Suite struct CapacityPlanTests {
    /// Round figures, so that a plan can be checked by hand.
    private let costs = CapacityCosts(
        hit: .init(nginx: 100, responder: 100, database: 10, cache: 10),
        miss: .init(nginx: 100, responder: 300, database: 10, cache: 30), cacheEntryBytes: 1000)

    private func demand(_ change: (inout CapacityDemand) -> Void = { _ in }) -> CapacityDemand {
        var demand = CapacityDemand(
            rate: 10_000, hitShare: 0.9, users: 1_000_000, tracks: 50_000, coreSpeed: 1, coresPerHost: 4,
            utilisation: 0.5, spareHosts: 1, requestsPerConnection: 10, resumedShare: 0.5,
            fullHandshake: 1000, resumedHandshake: 200)
        change(&demand)
        return demand
    }

    private func plan(_ change: (inout CapacityDemand) -> Void = { _ in }) -> CapacityPlan {
        CapacityPlan(demand(change), costs)
    }

    private func isClose(_ left: Double, _ right: Double) -> Bool { abs(left - right) < 1e-6 * max(1, abs(right)) }

    @Test func figuresAreThoseOfACalculationByHand() {
        let plan = plan()
        #expect(isClose(plan.nginxCores, 1) && isClose(plan.responderCores, 0.9 + 0.3))
        #expect(isClose(plan.handshakesPerSecond, 1000) && isClose(plan.handshakeCores, 0.5 + 0.1))
        // 2.8 cores busy of the 2 that each host may use: two hosts, and one that may be away.
        #expect(plan.hosts == 3 && plan.loops == 2)
        #expect(isClose(plan.databaseCores, 0.1) && plan.databaseServers == 1 && plan.databaseSpares == 1)
        #expect(plan.databaseConnections == 3 * (2 + 2) && plan.briefDatabaseConnections == 12)
        #expect(isClose(plan.cacheCores, 0.09 + 0.03) && plan.cacheMasters == 1)
        #expect(isClose(plan.cacheEntries, 90_000) && isClose(plan.cacheBytes, 90_000_000))
        #expect(isClose(plan.headsPerSecond, 3 * 50_000 / 600.0))
        #expect(plan.allowedRate == nil)
    }

    @Test func twiceTheSpeedIsHalfTheCores() {
        let (slow, fast) = (plan(), plan { $0.coreSpeed = 2 })
        #expect(isClose(fast.nginxCores, slow.nginxCores / 2) && isClose(fast.handshakeCores, slow.handshakeCores))
        #expect(isClose(fast.databaseCores, slow.databaseCores / 2) && fast.hosts == 2 && fast.loops == 2)
    }

    @Test func handshakesOfAnotherServerAreNotCounted() {
        let elsewhere = demand { $0.fullHandshake = 0 }
        let plan = CapacityPlan(elsewhere, costs)
        #expect(plan.handshakeCores == 0 && isClose(plan.handshakesPerSecond, 1000))
        #expect(plan.lines(for: elsewhere).contains { $0.contains("TLS ends elsewhere") })
        #expect(!self.plan().lines(for: demand()).contains { $0.contains("elsewhere") })
    }

    @Test func noPlanHasLessThanTwoHostsAndOneOfEach() {
        let plan = plan {
            $0.rate = 1
            $0.spareHosts = 0
        }
        #expect(plan.hosts == 2 && plan.loops == 1 && plan.databaseServers == 1 && plan.cacheMasters == 1)
    }

    @Test func loopsAreNoMoreThanTheCoresOfAHost() {
        let plan = plan {
            ($0.hitShare, $0.coresPerHost, $0.utilisation) = (0, 1, 0.05)
            $0.requestsPerConnection = 1_000_000
        }
        #expect(plan.loops == 1)
    }

    @Test func moreTracksThanAResponderRemembersAreLookedForAtEachMiss() {
        #expect(isClose(plan { $0.tracks = 100_001 }.headsPerSecond, 1000))
        #expect(plan { $0.tracks = 100_000 }.headsPerSecond < 1000)
        // Never more than there are misses.
        #expect(plan { $0.hitShare = 1 }.headsPerSecond == 0)
    }

    @Test func entriesAreNoMoreThanUsersTimesTracks() {
        #expect(plan { ($0.users, $0.tracks) = (100, 100) }.cacheEntries == 10_000)
    }

    @Test func demandBeyondTheAllowancesIsNoted() {
        let few = demand { $0.users = 500 }
        #expect(CapacityPlan(few, costs).allowedRate == 500)
        #expect(CapacityPlan(few, costs).lines(for: few).last?.hasPrefix("note: the allowance") == true)
        #expect(!CapacityPlan(demand(), costs).lines(for: demand()).contains { $0.hasPrefix("note") })
    }

    /// Each figure grows with the rate, or stays.
    @Test func largerRateNeverNeedsLess() {
        var former = plan { $0.rate = 1 }
        for power in 1...8 {
            var rate = 1.0
            for _ in 0..<power { rate *= 10 }
            let next = plan { $0.rate = rate }
            #expect(next.hosts >= former.hosts && next.databaseServers >= former.databaseServers)
            #expect(next.cacheMasters >= former.cacheMasters && next.cacheBytes >= former.cacheBytes)
            #expect(next.headsPerSecond >= former.headsPerSecond)
            former = next
        }
    }

    @Test(
        arguments: [
            Row("0.0", 0), Row("< 0.1", 0.04), Row("0.1", 0.05), Row("9.9", 9.94), Row("10", 9.996),
            Row("1000000", 1_000_000),
        ] as [Row<Double>])
    func numberIsShownShort(_ row: Row<Double>) { #expect(CapacityPlan.text(row.value) == row.name) }

    @Test(arguments: [
        Row("0.0 B", 0), Row("999 B", 999), Row("1.0 KB", 1000), Row("90 MB", 9e7), Row("1.2 TB", 1.2e12),
    ])
    func memoryIsShownInItsUnit(_ row: Row<Double>) { #expect(CapacityPlan.bytes(row.value) == row.name) }

    private static let least = ["--rate", "10", "--users", "10", "--tracks", "10"]

    @Test func threeFiguresAreEnough() throws {
        #expect(try Plan.parse(Self.least).demand == CapacityDemand(rate: 10, users: 10, tracks: 10))
    }

    @Test(arguments: [
        "--rate 0", "--rate nan", "--rate inf", "--rate x", "--users 0", "--users 1.5", "--tracks -1",
        "--hit-share 1.1",
        "--hit-share -0.1", "--hit-share nan", "--core-speed 0", "--cores 0", "--utilisation 1", "--spare -1",
        "--requests-per-connection 0", "--resumed-share 2", "--full-handshake -1", "--resumed-handshake nan",
    ])
    func valueOutOfItsRangeIsRefusedByName(_ arguments: String) {
        let words = arguments.split(separator: " ").map(String.init)
        let error = #expect(throws: (any Error).self) { try Plan.parse(Self.least + words) }
        #expect(error.map { Plan.message(for: $0) }?.contains(words[0]) == true)
    }

    @Test func missingFigureIsNamed() {
        let error = #expect(throws: (any Error).self) { try Plan.parse(["--rate", "10"]) }
        #expect(error.map { Plan.message(for: $0) }?.contains("--users") == true)
    }
}
