/// What is to be served, and on what.
struct CapacityDemand: Equatable {
    /// Requests a second at the busiest moment.
    var rate: Double
    /// Of the requests, from 0 to 1: those whose URL comes from the cache.
    var hitShare: Double = 0.9
    var users: Int
    var tracks: Int
    /// Of one core, beside the machine of the measured costs: 2 is twice as fast.
    var coreSpeed: Double = 1
    /// Of each host, database servers included.
    var coresPerHost: Int = 8
    /// How much of each core is used at the busiest moment, from 0 to 1. The rest is for peaks, failovers and neighbours.
    var utilisation: Double = 0.5
    /// Hosts that may be away at the busiest moment.
    var spareHosts: Int = 1
    /// On each TLS connection of a client.
    var requestsPerConnection: Double = 10
    /// Of the connections, from 0 to 1: those that resume an earlier session.
    var resumedShare: Double = 0.5
    /// Microseconds of a core's CPU that nginx spends on a handshake. 0 for the full one: TLS ends elsewhere, and
    /// none is counted.
    var fullHandshake = CapacityCosts.fullHandshake
    var resumedHandshake = CapacityCosts.resumedHandshake

    static let defaults = CapacityDemand(rate: 1, users: 1, tracks: 1)
}
